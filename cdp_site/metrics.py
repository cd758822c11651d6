"""Prometheus metrics: request times counted in the process, the data's way counted in the database."""

import os
import threading
from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from cdp_site import sql
from cdp_site.ids import first_at

REQUESTS = Histogram(
    "tributary_request_seconds",
    "Time from a request's arrival in Django to its answer.",
    ["view", "method", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
# Rows of `drain_batch` younger than this may still be joined by ones with a smaller id.
_SETTLES_WITHIN = timedelta(minutes=10)
_OUTCOMES = ("stored", "duplicates", "rejected")


class Drained:
    """Messages by outcome, over all time: old ledger rows are added up once, only the last minutes at each look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settled = (0, 0, 0)
        self._up_to = 0

    def totals(self) -> dict[str, int]:
        with self._lock:
            border = first_at(timezone.now() - _SETTLES_WITHIN)
            self._settled = _add(self._settled, _outcomes(self._up_to, border))
            self._up_to = border
            return dict(zip(_OUTCOMES, _add(self._settled, _outcomes(border, 2**63 - 1)), strict=True))


def _outcomes(first: int, end: int) -> tuple[int, ...]:
    query = (
        "SELECT coalesce(sum(stored), 0)::int8, coalesce(sum(duplicates), 0)::int8, coalesce(sum(rejected), 0)::int8"
        " FROM drain_batch WHERE id >= %s AND id < %s"
    )
    return sql.rows(query, (first, end))[0]


def _add(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, int, int]:
    stored, duplicates, rejected = (a + b for a, b in zip(left, right, strict=True))
    return stored, duplicates, rejected


class DatabaseCollector(Collector):
    """What the tables say, asked at each scrape: index-only counts and one pass over the deliveries."""

    def __init__(self) -> None:
        self._drained = Drained()

    def collect(self) -> Iterator[Metric]:
        pending = sql.rows("SELECT count(*) FROM inbox WHERE done_at IS NULL")[0][0]
        yield GaugeMetricFamily(
            "tributary_inbox_pending_rows", "Requests and chunks not yet worked off.", value=pending
        )
        messages = CounterMetricFamily("tributary_messages", "Messages worked off, by outcome.", labels=["outcome"])
        for outcome, count in self._drained.totals().items():
            messages.add_metric([outcome], count)
        yield messages
        deliveries = GaugeMetricFamily(
            "tributary_deliveries", "Deliveries to destinations, by state.", labels=["state"]
        )
        for state, count in sql.rows("SELECT state, count(*) FROM delivery GROUP BY state"):
            deliveries.add_metric([state], count)
        yield deliveries


_database = DatabaseCollector()


def registry() -> CollectorRegistry:
    """Everything to show: over all web processes when they share a folder (`cdp_site.web` sees to it)."""
    shown = CollectorRegistry()
    shown.register(_database)
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(shown)  # type: ignore[no-untyped-call]
    else:
        shown.register(REGISTRY)
    return shown
