"""A seeded crowd straight in the tables: people, what they did in two years, tickets; the same as arrays for other engines.

Made by NumPy, brought over as fixed-width rows (COPY in binary form, into a table of their own), and spread from there into
the product's tables by one INSERT a table, with the event table's indexes made afterwards: some minutes for 20 M events.
A few people do much, most do little; one event in a hundred arrives up to three days late.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from cdp_site import sql
from cdp_site.ids import EPOCH_MS
from profiles.events import MonthsMissing, make_months, name_ids, require_months

DAYS = 730
SHARES = {
    "Page Viewed": 0.45, "Product Viewed": 0.2, "Email Delivered": 0.12, "Email Opened": 0.06, "Order Completed": 0.06,
    "Product Added": 0.06, "Email Clicked": 0.02, "Gym Visit": 0.015, "Ticket Opened": 0.01, "Member Joined": 0.005,
}  # fmt: skip
NAMES = tuple(SHARES)
CATEGORIES = ("shirts", "shoes", "coats", "bags", "hats")
PATHS = ("/", "/shirts", "/shoes", "/basket", "/join")
COUNTRIES = ("ES", "DE", "FR", "GB", "IT", "PT")
STAGES = ("new", "active", "slipping", "lost")
PART = 1_000_000


@dataclass(frozen=True)
class Crowd:
    """Events are in order of arrival; `name`, `word` and the people's columns index the tuples above; money in cents."""

    now: datetime
    people: np.ndarray
    country: np.ndarray
    stage: np.ndarray
    born: np.ndarray  # days since 1970
    churn: np.ndarray  # in thousandths
    consent: np.ndarray
    spent: np.ndarray  # cents
    person: np.ndarray  # index into people
    time: np.ndarray  # microseconds since 1970
    id: np.ndarray
    name: np.ndarray
    word: np.ndarray
    cents: np.ndarray
    ticket_person: np.ndarray
    ticket_open: np.ndarray


def stored(people: int) -> datetime | None:
    """The moment of a crowd of this size that is in the tables already."""
    if not sql.rows("SELECT to_regclass('crowd_made') WHERE to_regclass('crowd_made') IS NOT NULL"):
        return None
    found = sql.rows("SELECT now FROM crowd_made WHERE people = %s", (people,))
    return found[0][0].astimezone(UTC) if found else None


def draw(people: int, events: int, now: datetime, seed: int = 4) -> Crowd:
    rng = np.random.default_rng(seed)
    end = int(now.timestamp() * 1_000_000)
    first_seen = np.sort(rng.integers(end - DAYS * 86_400_000_000, end, people))
    ids = ((first_seen // 1_000 - EPOCH_MS) << 22) + np.arange(people) % 4_096
    time = rng.integers(end - DAYS * 86_400_000_000, end, events) // 1_000 * 1_000
    late = np.where(rng.random(events) < 0.01, rng.integers(0, 3 * 86_400_000_000, events), 0)
    arrival = np.minimum(time + late, end)
    order = np.argsort(arrival)
    time, arrival = time[order], arrival[order]
    tickets = people // 20
    return Crowd(
        now, np.unique(ids), rng.integers(0, 6, people, dtype=np.int16), rng.integers(0, 4, people, dtype=np.int16),
        rng.integers(-7_000, 13_000, people, dtype=np.int32), rng.integers(0, 1_000, people, dtype=np.int16),
        rng.integers(0, 2, people, dtype=np.int16), rng.integers(0, 500_000, people, dtype=np.int32),
        (people * rng.random(events) ** 2).astype(np.int32), time,
        ((arrival // 1_000 - EPOCH_MS) << 22) + (np.arange(events) & 0x3FFFFF),
        rng.choice(len(NAMES), events, p=list(SHARES.values())).astype(np.int16),
        rng.integers(0, 5, events, dtype=np.int16), rng.integers(500, 20_000, events, dtype=np.int32),
        rng.choice(people, tickets, replace=False), rng.integers(0, 2, tickets, dtype=np.int16),
    )  # fmt: skip


_EVENTS = """
INSERT INTO event (profile_id, time, id, source_id, name_id, value, message_key, properties)
SELECT profile_id, time, id, 1, names[name + 1], CASE WHEN kind = 1 THEN cents / 100.0 END,
       (lpad(to_hex(id), 16, '0') || lpad(to_hex(profile_id), 16, '0'))::uuid,
       CASE kind WHEN 1 THEN jsonb_build_object('total', cents / 100.0, 'revenue', cents / 100.0, 'value', cents / 100.0,
                                                'category', categories[word + 1], 'currency', 'EUR')
                 WHEN 2 THEN jsonb_build_object('path', paths[word + 1])
                 WHEN 3 THEN jsonb_build_object('category', categories[word + 1], 'price', cents / 100.0) END
FROM (SELECT *, %(names)b::smallint[] AS names, %(categories)b::text[] AS categories, %(paths)b::text[] AS paths,
             (%(kinds)b::smallint[])[name + 1] AS kind FROM crowd) AS crowd
"""
_PEOPLE = """
INSERT INTO profile (id, first_seen, last_seen, identified, contested, name, email, phone, traits)
SELECT id, now(), now(), true, false, '', '', '', jsonb_build_object(
    'country', (%(countries)b::text[])[country + 1], 'lifecycle', (%(stages)b::text[])[stage + 1],
    'birthday', (date '1970-01-01' + born)::text, 'score_churn', churn / 1000.0, 'consent_email', consent = 1,
    'lifetime_value', spent / 100.0)
FROM crowd_people
"""
_IDENTIFIERS = """
INSERT INTO identifier (kind_id, value, profile_id, shared, disputed, blocked, first_seen)
SELECT (SELECT id FROM identifier_kind WHERE name = 'email'), 'person' || id || '@example.com', id, false, false, false, now()
FROM crowd_people WHERE stage <> 3
"""
_TICKETS = """
INSERT INTO record (profile_id, source_id, kind, external_id, status, title, currency, opened_at, closed_at, updated_at,
                    message_key, properties)
SELECT profile_id, 1, 'ticket', profile_id::text, CASE WHEN open = 1 THEN 'open' ELSE 'solved' END, '', '',
       now() - interval '2 days', CASE WHEN open = 1 THEN NULL ELSE now() - interval '1 day' END,
       now() - interval '1 day', gen_random_uuid(), '{}' FROM crowd_ticket
"""
_INDEXES = (
    "ALTER TABLE event ADD PRIMARY KEY (profile_id, time, id)",
    "CREATE INDEX event_of_name ON event (name_id, time) INCLUDE (profile_id, value)",
    "CREATE INDEX event_by_arrival ON event (id)",
)


def store(crowd: Crowd) -> None:
    """Into the product's tables, which are emptied."""
    moments = [crowd.now - timedelta(days=days) for days in range(DAYS + 32)]
    try:
        require_months(moments)
    except MonthsMissing as missing:
        make_months(missing.months)
    ids = name_ids({("track", name) for name in NAMES})
    kinds = {"Order Completed": 1, "Page Viewed": 2, "Product Viewed": 3, "Product Added": 3}
    given = {
        "names": [ids["track", name] for name in NAMES], "kinds": [kinds.get(name, 0) for name in NAMES],
        "categories": list(CATEGORIES), "paths": list(PATHS), "countries": list(COUNTRIES), "stages": list(STAGES),
    }  # fmt: skip
    with sql.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS crowd_made")
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(
            "TRUNCATE event, profile, identifier, identity_link, record, message, changed_profile, membership"
        )
        cursor.execute(
            "TRUNCATE block, block_name, block_people, block_value, people_changed, event_seal, unsealed_profile"
        )
        for index in ("event_of_name", "event_by_arrival"):
            cursor.execute(f"DROP INDEX IF EXISTS {index}")
        cursor.execute("ALTER TABLE event DROP CONSTRAINT IF EXISTS event_pkey")
        _bring("crowd_people", {
            "id": crowd.people, "country": crowd.country, "stage": crowd.stage, "born": crowd.born, "churn": crowd.churn,
            "consent": crowd.consent, "spent": crowd.spent,
        })  # fmt: skip
        _bring("crowd_ticket", {"profile_id": crowd.people[crowd.ticket_person], "open": crowd.ticket_open})
        for query in (_PEOPLE, _IDENTIFIERS, _TICKETS):
            cursor.execute(query, {one: given[one] for one in given if f"%({one})b" in query})
        for start in range(0, len(crowd.id), PART):
            rows = slice(start, start + PART)
            _bring("crowd", {
                "profile_id": crowd.people[crowd.person[rows]], "time": crowd.time[rows], "id": crowd.id[rows],
                "name": crowd.name[rows], "word": crowd.word[rows], "cents": crowd.cents[rows],
            })  # fmt: skip
            cursor.execute(_EVENTS, {one: given[one] for one in given if f"%({one})b" in _EVENTS})
        for statement in _INDEXES:
            cursor.execute(statement)
        cursor.execute("DROP TABLE crowd, crowd_people, crowd_ticket")
        cursor.execute(
            "CREATE TABLE crowd_made AS SELECT %s::timestamptz AS now, %s::int AS people",
            (crowd.now, len(crowd.people)),
        )
        for table in ("event", "profile", "identifier", "record"):
            cursor.execute(f"VACUUM ANALYZE {table}")


_POSTGRES_EPOCH = 946_684_800_000_000


def _bring(table: str, columns: dict[str, np.ndarray]) -> None:
    """Columns of whole numbers (and one of times) into a table of this session's, in COPY's binary form."""
    types = {"i8": "bigint", "i4": "int", "i2": "smallint"}
    kinds = {name: f"i{column.dtype.itemsize}" for name, column in columns.items()}
    layout = [("count", ">i2")]
    for name, kind in kinds.items():
        layout += [(f"length {name}", ">i4"), (name, f">{kind}")]
    rows = np.empty(len(next(iter(columns.values()))), layout)
    rows["count"] = len(columns)
    for name, column in columns.items():
        rows[f"length {name}"] = column.dtype.itemsize
        rows[name] = column - _POSTGRES_EPOCH if name == "time" else column
    made = ", ".join(f"{name} {'timestamptz' if name == 'time' else types[kind]}" for name, kind in kinds.items())
    with sql.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(f"CREATE UNLOGGED TABLE {table} ({made})")
        with cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff")
