"""Columns of everybody that a process keeps: who there is, what rules ask of their traits and identifiers.

They are true because whoever changes a person queues it (`changed_profile`), and `segments.live` notes whom it takes from
the queue (`note`): what was noted since, and what is still queued, is read anew before each use.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from cdp_site import sql
from cdp_site.arrays import int8s
from cdp_site.ids import new_id
from segments.require import Requirements

# Of fewer people all is read each time: it takes some milliseconds.
LEAST = 50_000
# Reading so many people one by one takes as long as reading everybody.
MOST_CHANGED = 50_000
# Notes that are kept, of up to 8,000 people each; who has seen none of them reads everybody anew.
KEPT_NOTES = 1_000
MOST_BYTES = 96 * 2**20

# (which kind of column, its slot there)
Slot: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Kept:
    """Parallel columns; `people` are sorted ids, the same array as long as they are the same people."""

    people: np.ndarray
    columns: OrderedDict[Slot, np.ndarray] = field(default_factory=OrderedDict)
    needed: Requirements = field(default_factory=Requirements)
    seen: int = 0
    born: int = 0


# Reads columns of everybody (None) or of listed people (sorted ids), with those who are there.
Read = Callable[[Requirements, np.ndarray | None], tuple[np.ndarray, dict[Slot, np.ndarray]]]

_lock = threading.Lock()
_kept: Kept | None = None

_NOTE = """
INSERT INTO people_changed (number, profile_ids)
SELECT coalesce((SELECT max(number) FROM people_changed), %b) + 1, %b::bigint[]
"""
_FORGET = "DELETE FROM people_changed WHERE number <= (SELECT max(number) FROM people_changed) - %s"


def note(people: np.ndarray) -> None:
    """Note of whom anything may have changed. By the live stage alone, while it holds its clock: so notes are in order."""
    if len(people):
        with sql.cursor() as cursor:
            cursor.execute(_NOTE, (new_id(), int8s(people)))
            cursor.execute(_FORGET, (KEPT_NOTES,))


# About how many people there are, and what tells the table from one that was emptied since.
_PLACE = "SELECT reltuples::bigint, relfilenode::bigint FROM pg_class WHERE oid = 'profile'::regclass"


def place() -> int:
    """What tells the people from those of a table that was emptied since; 0 where they are too few to keep anything."""
    many, file = sql.rows(_PLACE)[0]
    return int(file) if many >= LEAST else 0


def columns(
    needed: Requirements, after: int, limit: int, read: Read
) -> tuple[np.ndarray, dict[Slot, np.ndarray]] | None:
    """The next `limit` people after `after`, and what is needed of them; None where it is better read directly.

    Cost: what has changed since the last time; a pass over everybody for columns that weren't asked for before.
    """
    global _kept
    born = place()
    if not born:
        return None
    with _lock:
        if _kept is None or _kept.born != born or not _catch_up(_kept, read):
            # In this order: what is noted or queued later is read again.
            seen = int(sql.rows(_LATEST)[0][0])
            _kept = Kept(read(Requirements(), None)[0], seen=seen, born=born)
        _kept = _widened(_kept, needed, read)
        found = _kept
    first = int(np.searchsorted(found.people, after, side="right"))
    # The very arrays where it is everybody: by them others know that nothing has changed.
    rows = slice(first, first + limit) if first or limit < len(found.people) else None
    chosen = {slot: found.columns[slot] for slot in slots(needed)}
    if rows is None:
        return found.people, chosen
    return found.people[rows], {slot: column[rows] for slot, column in chosen.items()}


def _catch_up(kept: Kept, read: Read) -> bool:
    """Whether it could be told what has changed since; if so it is read anew."""
    global _kept
    seen, oldest, changed = _changed(kept.seen)
    if len(changed) > MOST_CHANGED or oldest > kept.seen or seen < kept.seen:
        return False
    _kept = replace(_renewed(kept, changed, read) if len(changed) else kept, seen=seen)
    return True


def slots(needed: Requirements) -> list[Slot]:
    return [
        *(("passed", slot) for slot in needed.passed),
        *(("moments", name) for name in needed.moments),
        *(("birthdays", name) for name in needed.birthdays),
        *(("numbers", name) for name in needed.numbers),
        *(("known", kind) for kind in needed.known),
    ]


def forget() -> None:
    global _kept
    _kept = None


_LATEST = "SELECT coalesce(max(number), 0) FROM people_changed"
# What was noted since, the oldest note (who has seen that one has missed none), and what is queued: at one moment.
_CHANGED = """
SELECT number, profile_ids FROM people_changed WHERE number > %(seen)b
UNION ALL SELECT max(number), NULL FROM people_changed
UNION ALL SELECT -min(number), NULL FROM people_changed
UNION ALL SELECT NULL, array_agg(profile_id) FROM (
    SELECT profile_id FROM changed_profile WHERE name_ids = '{}' LIMIT %(most)b
) AS waiting
"""


def _changed(seen: int) -> tuple[int, int, np.ndarray]:
    """Up to which note there is, the oldest one's number, and of whom anything may have changed since `seen`."""
    latest, oldest = 0, 0
    found: list[int] = []
    for number, profiles in sql.rows(_CHANGED, {"seen": seen, "most": MOST_CHANGED + 1}, binary=True):
        if number is not None and number < 0:
            oldest = -number
        elif number is not None:
            latest = max(latest, number)
        found += profiles or []
    return latest, oldest, np.unique(np.array(found, np.int64))


def _renewed(kept: Kept, changed: np.ndarray, read: Read) -> Kept:
    """With these people read anew: some may be new, some gone."""
    there, fresh = read(kept.needed, changed)
    place = np.searchsorted(kept.people, changed)
    known = np.empty(0, np.int64)
    if len(kept.people):
        known = np.flatnonzero(kept.people[np.minimum(place, len(kept.people) - 1)] == changed)
    before = changed[known]
    if np.array_equal(before, there):
        rows = place[known]
        columns: OrderedDict[Slot, np.ndarray] = OrderedDict()
        for slot, column in kept.columns.items():
            if np.array_equal(column[rows], fresh[slot], equal_nan=column.dtype.kind == "f"):
                columns[slot] = column
            else:
                columns[slot] = column.copy()
                columns[slot][rows] = fresh[slot]
        return replace(kept, columns=columns)
    people = np.delete(kept.people, place[known])
    into = np.searchsorted(people, there)
    columns = OrderedDict(
        (slot, np.insert(np.delete(column, place[known]), into, fresh[slot])) for slot, column in kept.columns.items()
    )
    return replace(kept, people=np.insert(people, into, there), columns=columns)


def _widened(kept: Kept, needed: Requirements, read: Read) -> Kept:
    """With the columns that are missing, and without those that weren't asked for longest where they are too many."""
    columns = OrderedDict(kept.columns)
    for slot in slots(needed):
        if slot in columns:
            columns.move_to_end(slot)
    missing = _only(needed, [slot for slot in slots(needed) if slot not in columns])
    if slots(missing):
        there, fresh = read(missing, None)
        place = np.minimum(np.searchsorted(there, kept.people), max(len(there) - 1, 0))
        for slot, column in fresh.items():
            # Who has gone in this moment keeps another's value until that is noted.
            columns[slot] = column if np.array_equal(there, kept.people) else column[place]
    size = sum(column.nbytes for column in columns.values())
    for slot in list(columns):
        if size <= MOST_BYTES or slot in slots(needed):
            break
        size -= columns.pop(slot).nbytes
    everything = _both(kept.needed, needed)
    return replace(kept, columns=columns, needed=_only(everything, list(columns)))


def _both(one: Requirements, other: Requirements) -> Requirements:
    return Requirements(
        passed=one.passed | other.passed, moments=one.moments | other.moments, birthdays=one.birthdays | other.birthdays,
        numbers=one.numbers | other.numbers, known=one.known | other.known,
    )  # fmt: skip


def _only(needed: Requirements, chosen: list[Slot]) -> Requirements:
    wanted = set(chosen)
    return Requirements(
        passed={slot: trait for slot, trait in needed.passed.items() if ("passed", slot) in wanted},
        moments={name for name in needed.moments if ("moments", name) in wanted},
        birthdays={name for name in needed.birthdays if ("birthdays", name) in wanted},
        numbers={name for name in needed.numbers if ("numbers", name) in wanted},
        known={kind for kind in needed.known if ("known", kind) in wanted},
    )
