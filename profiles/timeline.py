"""What a person did, newest first: a page at a time, visits folded into one line each.

Cost: a range of the event table's primary key for one person; nothing grows with a person's history but its last page.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.utils import timezone

from cdp_site import asked, sql
from profiles.message import message_id_of
from profiles.sentences import category, sentence

VISIT_ENDS_AFTER = timedelta(minutes=30)


@dataclass(frozen=True)
class Entry:
    """One event."""

    id: int
    time: datetime
    source_id: int
    type: str
    name: str
    category: str
    text: str
    properties: dict[str, Any]
    context: dict[str, Any]
    message_id: str


@dataclass(frozen=True)
class Visit:
    """Events of one visit to a site or app, folded: `entries` are newest first."""

    entries: list[Entry] = field(default_factory=list)

    @property
    def id(self) -> int:
        return self.entries[0].id

    @property
    def time(self) -> datetime:
        return self.entries[0].time

    @property
    def source_id(self) -> int:
        return self.entries[0].source_id

    @property
    def category(self) -> str:
        return self.entries[0].category

    @property
    def text(self) -> str:
        seen = dict.fromkeys(
            str(entry.properties.get("title") or entry.properties.get("name") or "")[:80]
            for entry in reversed(self.entries)
        )
        names = [name for name in seen if name]
        where = "used the app" if self.category == "app" else "visited the site"
        more = f", and {len(names) - 3} more" if len(names) > 3 else ""
        return f"{where}: {len(self.entries)} views" + (f" ({', '.join(names[:3])}{more})" if names else "")


@dataclass(frozen=True)
class Page:
    """Days in the company's time zone, newest first, each with its lines; `before` is the cursor of the next page."""

    days: list[tuple[date, list[Entry | Visit]]]
    before: str | None
    newest: int


_EVENTS = """
SELECT id, time, source_id, name_id, properties, context, message_id, message_key FROM event
WHERE profile_id = %s AND (time, id) < (%s, %s) AND (%s::smallint[] IS NULL OR name_id = ANY(%s))
ORDER BY time DESC, id DESC LIMIT %s
"""


def page(profile_id: int, *, before: str = "", only: str = "", size: int = 60) -> Page:
    """A page of a person's timeline; `only` is one of `sentences.CATEGORIES`, '' for all."""
    moment, id = asked.cursor(before)
    # A filter has to know a name that came this second, too.
    names = _read_names() if only else _names()
    wanted = [number for number, (type, name) in names.items() if category(type, name) == only] if only else None
    rows = sql.rows(_EVENTS, (profile_id, moment, id, wanted, wanted, size + 1))
    entries = [_entry(row, names) for row in rows[:size]]
    days = [
        (day, list(_fold(list(group))))
        for day, group in groupby(entries, key=lambda entry: timezone.localtime(entry.time).date())
    ]
    following = f"{entries[-1].time.isoformat()},{entries[-1].id}" if len(rows) > size else None
    return Page(days, following, newest(profile_id))


def newest(profile_id: int) -> int:
    """The id of the event that arrived last; 0 for none. One look while a page waits for news."""
    found = sql.rows(
        "SELECT max(id) FROM (SELECT id FROM event WHERE profile_id = %s ORDER BY time DESC LIMIT 200) AS e",
        (profile_id,),
    )
    return found[0][0] or 0


def one(profile_id: int, id: int) -> Entry | None:
    """One event of a person, whole."""
    rows = sql.rows(
        "SELECT id, time, source_id, name_id, properties, context, message_id, message_key FROM event"
        " WHERE profile_id = %s AND id = %s",
        (profile_id, id),
    )
    return _entry(rows[0], _names()) if rows else None


_kept: tuple[float, dict[int, tuple[str, str]]] = (0.0, {})


def _names() -> dict[int, tuple[str, str]]:
    """The dictionary of event names, at most ten seconds old."""
    global _kept
    now = time.monotonic()
    if _kept[0] < now:
        _kept = (now + 10, _read_names())
    return _kept[1]


def _read_names() -> dict[int, tuple[str, str]]:
    return {id: (type, name) for id, type, name in sql.rows("SELECT id, type, name FROM event_name")}


def _entry(row: Sequence[Any], names: dict[int, tuple[str, str]]) -> Entry:
    id, moment, source_id, name_id, properties, context, message_id, key = row
    type, name = names.get(name_id) or _missed(name_id)
    said = json.loads(properties) if properties else {}
    return Entry(
        id, moment, source_id, type, name, category(type, name), sentence(name, said), said,
        json.loads(context) if context else {}, message_id_of(key, source_id, message_id),
    )  # fmt: skip


def _missed(name_id: int) -> tuple[str, str]:
    """A name that was new since the dictionary was read."""
    rows = sql.rows("SELECT type, name FROM event_name WHERE id = %s", (name_id,))
    return rows[0] if rows else ("track", "")


def _fold(entries: list[Entry]) -> Iterator[Entry | Visit]:
    """Page and screen views that follow each other within half an hour become one visit."""
    visit: list[Entry] = []
    for entry in entries:
        views = entry.type in ("page", "screen") or entry.name in ("Product Viewed", "Products Searched")
        if visit and (
            not views or entry.source_id != visit[-1].source_id or visit[-1].time - entry.time > VISIT_ENDS_AFTER
        ):
            yield _closed(visit)
            visit = []
        if views:
            visit.append(entry)
        else:
            yield entry
    if visit:
        yield _closed(visit)


def _closed(visit: list[Entry]) -> Entry | Visit:
    return visit[0] if len(visit) == 1 else Visit(visit)
