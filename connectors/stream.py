"""What has just arrived: the newest messages with the person each went to, and what followed from one."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cdp_site import sql
from cdp_site.ids import made_at
from profiles.message import message_id_of

MOST = 100


@dataclass(frozen=True)
class Arrived:
    """A stored message. `arrived` is when it was worked off, `time` when it happened."""

    id: int
    arrived: datetime
    time: datetime
    source_id: int
    type: str
    name: str
    profile_id: int
    person: str


@dataclass(frozen=True)
class Opened:
    """One message whole: as parsed, as it came, and the segments that its person entered or left soon after."""

    event: Arrived
    identifiers: list[tuple[str, str]]
    properties: str
    context: str
    message_id: str
    raw: str
    followed: list[tuple[str, bool, datetime]]


_NEWEST = """
SELECT event.id, event.time, event.source_id, event_name.type, event_name.name, event.profile_id
FROM event JOIN event_name ON event_name.id = event.name_id
WHERE event.id > %(after)s AND (%(source)s::bigint IS NULL OR event.source_id = %(source)s::bigint)
  AND (%(name)s = '' OR strpos(lower(event_name.name), %(name)s) > 0)
ORDER BY event.id DESC LIMIT %(most)s
"""
_PEOPLE = (
    "SELECT id, coalesce(nullif(name, ''), nullif(email, ''), 'Visitor') FROM profile WHERE id = ANY(%s::bigint[])"
)


def newest(*, after: int = 0, source_id: int | None = None, name: str = "", most: int = MOST) -> list[Arrived]:
    """The messages stored last, the newest first. Cost: an index range by arrival (a filter may make it longer)."""
    rows = sql.rows(_NEWEST, {"after": after, "source": source_id, "name": name.lower(), "most": most})
    people = dict(sql.rows(_PEOPLE, ([row[5] for row in rows],))) if rows else {}
    return [
        Arrived(id, made_at(id), time, source, type, event, profile, people.get(profile, "Visitor"))
        for id, time, source, type, event, profile in rows
    ]


_ONE = """
SELECT event.time, event.source_id, event_name.type, event_name.name, event.profile_id, event.identifiers,
       event.properties, event.context, event.message_id, event.message_key
FROM event JOIN event_name ON event_name.id = event.name_id WHERE event.id = %s
"""
_RAW = """
SELECT inbox.body FROM message JOIN inbox ON inbox.id = message.inbox_id WHERE message.key = %s::uuid
"""
_FOLLOWED = """
SELECT segment.name, change.entered, change.at FROM membership_change AS change
JOIN segment ON segment.id = change.segment_id
WHERE change.profile_id = %s AND change.at BETWEEN %s AND %s ORDER BY change.at LIMIT 20
"""


def opened(id: int) -> Opened | None:
    """One message, for an admin or marketer who asks what became of it. Bodies are kept for a day."""
    rows = sql.rows(_ONE, (id,))
    if not rows:
        return None
    time, source_id, type, name, profile_id, identifiers, properties, context, message_id, key = rows[0]
    people = dict(sql.rows(_PEOPLE, ([profile_id],)))
    event = Arrived(id, made_at(id), time, source_id, type, name, profile_id, people.get(profile_id, "Visitor"))
    kinds = dict(sql.rows("SELECT id, label FROM identifier_kind"))
    body = sql.rows(_RAW, (key,))
    soon = sql.rows(_FOLLOWED, (profile_id, event.arrived - timedelta(seconds=1), event.arrived + timedelta(minutes=1)))
    return Opened(
        event,
        [(kinds.get(kind, str(kind)), value) for kind, value in json.loads(identifiers or "[]")],
        _pretty(properties),
        _pretty(context),
        message_id_of(key, source_id, message_id),
        bytes(body[0][0][:65_536]).decode("utf-8", "replace") if body else "",
        soon,
    )


def _pretty(text: Any) -> str:
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False) if text else ""
