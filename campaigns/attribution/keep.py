"""Bringing the stored journeys of some people to what their events say: computed, compared, and the difference written."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from django.conf import settings

from campaigns.attribution import conversions, hits, origins
from campaigns.attribution.hits import People, whose
from campaigns.attribution.journeys import Found, journeys
from campaigns.attribution.touches import Touches, touches
from campaigns.models import Goal
from cdp_site import sql, stages
from cdp_site.arrays import int8s, texts
from segments.calendar import local_days

DAY = 86_400 * 1_000_000
# (profile, goal, id) of a journey -> the rest of its row, as COPY reads it.
Key = tuple[int, int, int]
Rows = dict[Key, str]
COLUMNS = (
    "profile_id", "goal_id", "id", "day", "time", "converted", "value", "back", "other_currency", "new", "device",
    "origins", "ages", "kinds", "events",
)  # fmt: skip
_DAY = slice(0, 10)  # where in a row the day stands


def keep(people: People, goals: Sequence[Goal]) -> int:
    """Write what differs, and mark the days concerned as stale; returns how many journeys were written or went.

    Within the caller's transaction; only the stage 'attribute' calls it, which nobody runs twice at a time.
    """
    if not goals:
        return 0
    before, after = stored(people, goals), computed(people, goals, origins.numbers)
    gone = [key for key, row in before.items() if after.get(key) != row]
    come = {key: row for key, row in after.items() if before.get(key) != row}
    if gone or come:
        _delete(gone)
        sql.copy_text("journey", COLUMNS, _lines(come))
        _mark({(key[1], before[key][_DAY]) for key in gone} | {(key[1], row[_DAY]) for key, row in come.items()})
    return len({*gone, *come})


def computed(people: People, goals: Sequence[Goal], numbers: Callable[[Sequence[origins.Texts]], list[int]]) -> Rows:
    """The journeys that these people's events make. `numbers` gives origins their place in the dictionary.

    Cost: one pass over their events, and one over the conversions for each goal.
    """
    known = hits.names()
    found, said = hits.read(people, known)
    touched = touches(found, said)
    used = np.unique(touched.origin)
    number = np.zeros(len(said), np.int64)
    number[used] = numbers([said[place] for place in used.tolist()])
    rows: Rows = {}
    for goal in goals:
        converted = conversions.read(goal, people, known)
        made = journeys(touched, converted, goal.lookback_days * DAY)
        rows.update(_rows(goal.id, made, touched, number))
    return rows


def _rows(goal: int, made: Found, touched: Touches, number: np.ndarray) -> Iterable[tuple[Key, str]]:
    """Rows of `journey`, each as COPY's text without its key."""
    order, starts = made.order, made.starts
    ages = (np.repeat(made.time, np.diff(starts)) - touched.time[order]) // 1_000_000
    lists = [
        column.astype(str).tolist()
        for column in (number[touched.origin[order]], ages, touched.kind[order], touched.id[order])
    ]
    days = np.datetime_as_string(local_days(made.time, settings.TIME_ZONE).astype("M8[D]")).tolist()
    times = np.datetime_as_string(made.time.astype("M8[us]")).tolist()
    columns = (made.converted, made.value, made.back, made.other_currency, made.new, made.device)
    facts = zip(*(column.astype(np.int64).tolist() for column in columns), strict=True)
    for profile, id, day, time, fact, start, end in zip(
        made.profile.tolist(),
        made.id.tolist(),
        days,
        times,
        facts,
        starts[:-1].tolist(),
        starts[1:].tolist(),
        strict=True,
    ):
        arrays = "\t".join(f"{{{','.join(column[start:end])}}}" for column in lists)
        yield (profile, goal, id), f"{day}\t{time}Z\t%d\t%d\t%d\t%d\t%d\t%d\t{arrays}" % fact


def _lines(rows: Rows) -> bytes:
    return "".join(f"{profile}\t{goal}\t{id}\t{row}\n" for (profile, goal, id), row in rows.items()).encode()


_STORED = """
SELECT profile_id, goal_id, id, concat_ws(E'\\t', to_char(day, 'YYYY-MM-DD'),
    to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), converted::int, value, back, other_currency::int,
    new::int, device, origins, ages, kinds, events)
FROM journey WHERE %s AND goal_id = ANY(%%(goals)s::bigint[])
"""


def stored(people: People, goals: Sequence[Goal]) -> Rows:
    """The journeys that are kept of these people."""
    where, parameters = whose(people)
    columns = [("profile_id", "i8"), ("goal_id", "i8"), ("id", "i8"), ("row", "text")]
    rows = sql.packed(_STORED % where, parameters | {"goals": [goal.id for goal in goals]}, columns)
    keys = zip(rows["profile_id"].tolist(), rows["goal_id"].tolist(), rows["id"].tolist(), strict=True)
    return dict(zip(keys, rows["row"].tolist(), strict=True))


_DELETE = """
DELETE FROM journey WHERE (profile_id, goal_id, id) IN (SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[]))
"""
# Whoever packs a block holds its row meanwhile, and reads the journeys after it has it: what is written here is in it or
# marks it again. In the order of all who mark.
_MARK = """
INSERT INTO journey_block (goal_id, day, stale, version, journeys, body)
SELECT goal_id, day::date, true, 0, 0, ''::bytea FROM unnest(%b::bigint[], %b::text[]) AS one (goal_id, day)
ORDER BY goal_id, day
ON CONFLICT (goal_id, day) DO UPDATE SET stale = excluded.stale WHERE NOT journey_block.stale
"""


def _delete(gone: Sequence[Key]) -> None:
    if gone:
        with sql.cursor() as cursor:
            cursor.execute(_DELETE, [int8s(column) for column in zip(*gone, strict=True)])


def _mark(days: Iterable[tuple[int, str]]) -> None:
    """Say that the blocks of these (goal, day) no longer tell the truth."""
    marked = sorted(days)
    with sql.cursor() as cursor:
        cursor.execute(_MARK, (int8s([goal for goal, _ in marked]), texts(day for _, day in marked)))
    if "journeys" in stages.names():
        stages.wake("journeys")
