"""ChannelAttribution's example paths as messages: python -m tests.converters.channel_paths IN.csv.gz OUT.jsonl.gz

- A row stands for many journeys along one path: each becomes a person of its own, a touchpoint an hour, and where it
  converted an order an hour after the last one.
- Touchpoints are `Touchpoint` events that say their channel outright, by an anonymous visitor; the order names the visitor and
  the user, so that journeys are stitched by identity.
- A row's value is shared out among its orders in millionths: their sum is the row's, rounded to a millionth. The file has no
  currency (EUR here) and no times: journeys begin on one of 60 days, one row after the other.
"""

import csv
import gzip
import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.converters.lines import write

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAYS = 60
HOUR = timedelta(hours=1)
MILLIONTH = Decimal("0.000001")


def table(path: Path) -> Iterator[tuple[list[str], int, Decimal, int]]:
    """(channels in order, conversions, their value, journeys that led nowhere) of each row."""
    with gzip.open(path, "rb") as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline=""), delimiter=";"):
            value = Decimal(row["total_conversion_value"]).quantize(MILLIONTH)
            yield row["path"].split(" > "), int(row["total_conversions"]), value, int(row["total_null"])


def messages(path: Path) -> Iterator[dict[str, Any]]:
    for number, (channels, conversions, value, nothing) in enumerate(table(path)):
        start = BEGIN + timedelta(days=number % DAYS)
        orders = _shared_out(value, conversions)
        for place in range(conversions + nothing):
            who = f"path-{number}-{place}"
            yield from _touches(who, channels, start)
            if place < conversions:
                yield _order(who, orders[place], start + len(channels) * HOUR)


def _touches(who: str, channels: list[str], start: datetime) -> Iterator[dict[str, Any]]:
    for step, channel in enumerate(channels):
        yield {
            "type": "track", "messageId": f"{who}-{step}", "timestamp": (start + step * HOUR).isoformat(),
            "anonymousId": f"visitor-{who}", "event": "Touchpoint", "properties": {"channel": channel, "kind": "click"},
        }  # fmt: skip


def _order(who: str, value: Decimal, moment: datetime) -> dict[str, Any]:
    return {
        "type": "track", "messageId": f"{who}-order", "timestamp": moment.isoformat(), "anonymousId": f"visitor-{who}",
        "userId": who, "event": "Order Completed",
        "properties": {"order_id": who, "total": value, "currency": "EUR"},
    }  # fmt: skip


def _shared_out(value: Decimal, parts: int) -> list[Decimal]:
    """So many amounts in millionths that add up to the value."""
    if not parts:
        return []
    whole = int(value / MILLIONTH)
    return [(whole // parts + (place < whole % parts)) * MILLIONTH for place in range(parts)]


if __name__ == "__main__":
    print(write(Path(sys.argv[2]), messages(Path(sys.argv[1]))), "messages")
