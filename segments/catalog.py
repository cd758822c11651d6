"""What has really arrived, for the builder's suggestions: events, properties, traits, records; each with common values.

Every answer comes from a bounded sample of what came last (index reads of some thousand rows), so it takes milliseconds
however much is stored; shares and counts are estimates.
"""

from dataclasses import dataclass
from typing import LiteralString

from cdp_site import sql
from profiles.models import IdentifierKind
from segments.compare import TIME

EVENTS_SAMPLED = 20_000
PROPERTIES_SAMPLED = 1_000
PEOPLE_SAMPLED = 2_000
RECORDS_SAMPLED = 20_000
MOST_NAMES = 200
MOST_VALUES = 12
LONGEST_VALUE = 60


@dataclass(frozen=True)
class EventSeen:
    """An event name, its message type, and about how many there are."""

    name: str
    type: str
    count: int


@dataclass(frozen=True)
class Seen:
    """A property or trait: `kind` is text, number, truth, date or list; `share` of the sample that has it; common values."""

    name: str
    kind: str
    share: float
    values: tuple[str, ...]


@dataclass(frozen=True)
class RecordSeen:
    """A kind of records, about how many there are, and how many of them are open."""

    kind: str
    count: int
    open: int


@dataclass(frozen=True)
class IdentifierSeen:
    """A kind of identifiers, by its name in rules and as people read it."""

    name: str
    label: str


_EVENTS = """
WITH recent AS (
    SELECT name_id, count(*) AS number FROM (SELECT name_id FROM event ORDER BY id DESC LIMIT %(sample)s) AS latest
    GROUP BY name_id
), stored AS (
    SELECT greatest(sum(reltuples), (SELECT sum(number) FROM recent)) AS number
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'event'::regclass AND reltuples > 0
)
SELECT event_name.name, event_name.type,
       round(coalesce(recent.number / sum(recent.number) OVER () * coalesce(stored.number::numeric, 0), 0))::bigint AS about
FROM event_name CROSS JOIN stored LEFT JOIN recent ON recent.name_id = event_name.id
ORDER BY about DESC, event_name.name LIMIT %(most)s
"""


def events(most: int = MOST_NAMES) -> list[EventSeen]:
    """Event names, the most frequent first. Names that haven't occurred lately have a count of 0."""
    return [EventSeen(*row) for row in sql.rows(_EVENTS, {"sample": EVENTS_SAMPLED, "most": most})]


# Names at the top, and inside objects and lists of objects (products.category), with type and values counted.
_SUMMARY: LiteralString = """
, top AS (SELECT one.key AS name, one.value FROM document CROSS JOIN LATERAL jsonb_each(document.held) AS one),
inside AS (
    SELECT top.name || '.' || one.key AS name, one.value FROM top
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(top.value) WHEN 'array' THEN top.value WHEN 'object' THEN jsonb_build_array(top.value) ELSE '[]' END
    ) AS item
    CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(item) WHEN 'object' THEN item ELSE '{}' END) AS one
), value AS (
    SELECT name, jsonb_typeof(value) AS type, value #>> '{}' AS text FROM (TABLE top UNION ALL TABLE inside) AS every
    WHERE jsonb_typeof(value) NOT IN ('null', 'object')
), counted AS (
    SELECT name, text, count(*) AS number, row_number() OVER (PARTITION BY name ORDER BY count(*) DESC, text) AS place
    FROM value WHERE type <> 'array' AND length(text) BETWEEN 1 AND %(longest)s GROUP BY name, text
    HAVING count(*) >= %(least)s
), common AS (
    SELECT name, array_agg(text ORDER BY place) AS texts FROM counted WHERE place <= %(values)s GROUP BY name
), kind AS (
    SELECT name, count(*) AS number, mode() WITHIN GROUP (ORDER BY
        CASE type WHEN 'number' THEN 'number' WHEN 'boolean' THEN 'truth' WHEN 'array' THEN 'list'
                  ELSE CASE WHEN text ~ %(time)s THEN 'date' ELSE 'text' END END) AS kind
    FROM value GROUP BY name
)
SELECT kind.name, kind.kind, least(1.0, kind.number::float8 / greatest((SELECT count(*) FROM document), 1)),
       coalesce(common.texts, '{}')
FROM kind LEFT JOIN common ON common.name = kind.name
ORDER BY kind.number DESC, kind.name LIMIT %(most)s
"""
_PROPERTIES: LiteralString = (
    """
WITH document AS (
    SELECT latest.properties AS held FROM event_name
    CROSS JOIN LATERAL (SELECT properties FROM event WHERE name_id = event_name.id ORDER BY time DESC LIMIT %(sample)s) AS latest
    WHERE event_name.name = %(event)s AND jsonb_typeof(latest.properties) = 'object'
)"""
    + _SUMMARY
)
_TRAITS: LiteralString = (
    """
WITH document AS (
    SELECT traits AS held FROM profile WHERE jsonb_typeof(traits) = 'object' AND traits <> '{}' ORDER BY id DESC LIMIT %(sample)s
)"""
    + _SUMMARY
)


def properties(event: str, most: int = MOST_NAMES) -> list[Seen]:
    """Properties that the latest events of this name came with, the most frequent first."""
    return _seen(_PROPERTIES, event, PROPERTIES_SAMPLED, most)


def traits(most: int = MOST_NAMES) -> list[Seen]:
    """Traits that the newest people have, the most frequent first. A value that only one of them has isn't shown."""
    return _seen(_TRAITS, "", PEOPLE_SAMPLED, most, least=2)


def _seen(query: LiteralString, event: str, sample: int, most: int, least: int = 1, share: float = 100.0) -> list[Seen]:
    parameters = {
        "event": event, "sample": sample, "share": share, "most": most, "least": least,
        "longest": LONGEST_VALUE, "values": MOST_VALUES, "time": TIME,
    }  # fmt: skip
    return [Seen(name, kind, share, tuple(texts)) for name, kind, share, texts in sql.rows(query, parameters)]


_STORED_RECORDS = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'record'::regclass"
# Pages drawn from all over the table (always the same ones): tickets are few among orders.
_RECORDS = """
SELECT kind, count(*), count(*) FILTER (WHERE closed_at IS NULL)
FROM record TABLESAMPLE SYSTEM (%(share)s) REPEATABLE (1) GROUP BY kind ORDER BY count(*) DESC, kind LIMIT %(most)s
"""
_FIELDS: LiteralString = (
    """
WITH document AS (
    SELECT properties || jsonb_build_object('status', nullif(status, ''), 'title', nullif(title, ''), 'value', value,
        'currency', nullif(currency, ''), 'opened_at', opened_at, 'closed_at', closed_at, 'updated_at', updated_at) AS held
    FROM record TABLESAMPLE SYSTEM (%(share)s) REPEATABLE (1)
    WHERE kind = %(event)s AND jsonb_typeof(properties) = 'object' LIMIT %(sample)s
)"""
    + _SUMMARY
)


def records(most: int = MOST_NAMES) -> list[RecordSeen]:
    """Kinds of records, the most frequent first; counts are estimates where there are many."""
    share = _share_of_records()
    return [
        RecordSeen(kind, round(number * 100 / share), round(open * 100 / share))
        for kind, number, open in sql.rows(_RECORDS, {"share": share, "most": most})
    ]


def fields(kind: str, most: int = MOST_NAMES) -> list[Seen]:
    """What records of this kind say: their status, value and so on, and their properties."""
    return _seen(_FIELDS, kind, PROPERTIES_SAMPLED, most, share=_share_of_records())


def _share_of_records() -> float:
    """Per cent of the table's pages that hold some 20,000 records; all of a small one."""
    [(stored,)] = sql.rows(_STORED_RECORDS)
    return min(100.0, 100.0 * RECORDS_SAMPLED / stored) if stored else 100.0


def identifiers() -> list[IdentifierSeen]:
    """Kinds of identifiers that make somebody known, the strongest first."""
    kinds = IdentifierKind.objects.filter(identifies=True).order_by("priority")
    return [IdentifierSeen(one.name, one.label) for one in kinds]
