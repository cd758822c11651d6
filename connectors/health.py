"""How sources are doing, in words: for the front page, the list of connectors, and alerts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from cdp_site import sql
from connectors.models import Source

# A source that was heard of within a week, and not for this long, has gone quiet.
QUIET_AFTER = timedelta(hours=3)
FORGOTTEN_AFTER = timedelta(days=7)


@dataclass(frozen=True)
class SourceHealth:
    """`hours`: messages an hour over the last 24, oldest first. `last_at`: when something of it was last worked off."""

    source: Source
    last_at: datetime | None
    hours: list[int]

    @property
    def today(self) -> int:
        return sum(self.hours)

    @property
    def state(self) -> str:
        """'good' receiving, 'warn' gone quiet, '' neither."""
        if not self.source.enabled or self.last_at is None:
            return ""
        quiet = timezone.now() - self.last_at
        if quiet < QUIET_AFTER:
            return "good"
        return "warn" if quiet < FORGOTTEN_AFTER else ""

    @property
    def words(self) -> str:
        if not self.source.enabled:
            return "switched off"
        if self.last_at is None:
            return "waiting for its first message"
        return {"good": "receiving", "warn": "quiet", "": "quiet for long"}[self.state]


_HOURS = """
SELECT source_id, floor(extract(epoch FROM %b::timestamptz - at) / 3600)::int, sum(messages)
FROM drain_batch WHERE at > %b::timestamptz - interval '24 hours' GROUP BY 1, 2
"""
_LAST = """
SELECT source.id, latest.at FROM source
CROSS JOIN LATERAL (SELECT at FROM drain_batch WHERE source_id = source.id ORDER BY at DESC LIMIT 1) AS latest
"""


def health() -> list[SourceHealth]:
    """All sources. Cost: the last day's account (a row a batch and source)."""
    now = timezone.now()
    hours: dict[int, list[int]] = {}
    for source, back, messages in sql.rows(_HOURS, (now, now)):
        hours.setdefault(source, [0] * 24)[23 - min(max(back, 0), 23)] += int(messages)
    last = dict(sql.rows(_LAST))
    return [SourceHealth(one, last.get(one.pk), hours.get(one.pk, [0] * 24)) for one in Source.objects.all()]
