"""A name's blocks from some day on, decoded and sorted by person and time: what every question about them starts from."""

import threading
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from cdp_site import sql
from segments.blocks.kept import kept
from segments.blocks.numbers import Numbers
from segments.blocks.packing import DAY, Packed, together, unpack


class Gone(Exception):
    """What was to be read has been replaced meanwhile: look again."""


@dataclass(frozen=True)
class State:
    """How far a name is in blocks, at one moment: see `segments.models.BlockName`."""

    name_id: int
    generation: int
    version: int
    until: int
    edge: int | None
    properties: tuple[str, ...]


@dataclass(frozen=True)
class Stretch:
    """Events of a name since the start of `first` (a day since 1970; None: all of them), by person and time.

    `people`: profile ids in order, as redirects led when it was read; `starts`: where each one's events begin, and one
    more; `codes`: for some of the properties the code of each event's value.
    """

    state: State
    first: int | None
    people: np.ndarray
    starts: np.ndarray
    time: np.ndarray
    codes: dict[str, np.ndarray]

    @cached_property
    def highest(self) -> dict[str, int]:
        """The highest code of each property."""
        return {name: int(column.max(initial=0)) for name, column in self.codes.items()}

    @cached_property
    def lowest(self) -> dict[str, int]:
        return {name: int(column.min(initial=0)) for name, column in self.codes.items()}

    @property
    def size(self) -> int:
        arrays = (self.people, self.starts, self.time, *self.codes.values())
        return sum(array.nbytes for array in arrays)


_DAYS = "SELECT day, events FROM block WHERE name_id = %s AND generation = %s"
# In one statement: blocks as they were with this version.
_BLOCKS = """
SELECT version, day, checksum, body FROM block_name LEFT JOIN block USING (name_id, generation)
WHERE name_id = %s AND generation = %s AND (day >= %s OR day IS NULL) ORDER BY day, part
"""
_VERSION = "SELECT version FROM block_name WHERE name_id = %s AND generation = %s"
_REDIRECTS = "SELECT id, profile_id FROM profile_redirect"
_EARLIEST = -(2**31)
_lock = threading.Lock()
_numbers = Numbers()


def stretch(state: State, first: int | None, properties: set[str]) -> Stretch:
    """The events of a name since a day, with the codes of these properties. Raises `Gone`, and `packing.Damaged`.

    Cost: nothing where it is kept, or one that isn't much longer; else reading and sorting, some 100 ns an event.
    """
    with _lock:
        return _fitting(state, first, properties) or _read(state, first, properties)


def _fitting(state: State, first: int | None, properties: set[str]) -> Stretch | None:
    enough = None
    for key in list(kept.keys()):
        if not (isinstance(key, tuple) and key[0] == "stretch" and key[1:3] == (state.name_id, state.generation)):
            continue
        found: Stretch | None = kept.get(key)
        if found is None:
            continue
        if found.state.version != state.version:
            kept.drop(key)
        elif properties <= set(found.codes) and (found.first is None or (first is not None and found.first <= first)):
            if enough is None:
                enough = 2 * _events_since(state, first) + 50_000
            if len(found.time) <= enough:
                return found
    return None


def _events_since(state: State, first: int | None) -> int:
    key = ("days", state.name_id, state.generation, state.version)
    days = kept.get(key)
    if days is None:
        days = sql.packed(_DAYS, (state.name_id, state.generation), [("day", "i4"), ("events", "i4")])
        kept.put(key, days, days.nbytes)
    return int(days["events"][days["day"] >= (_EARLIEST if first is None else first)].sum())


def _read(state: State, first: int | None, properties: set[str]) -> Stretch:
    wanted = tuple(sorted(properties))
    positions = tuple(state.properties.index(one) for one in wanted)
    rows = sql.rows(_BLOCKS, (state.name_id, state.generation, _EARLIEST if first is None else first), binary=True)
    if not rows:
        rows = [(version, None, None, None) for (version,) in sql.rows(_VERSION, (state.name_id, state.generation))]
    if not rows or rows[0][0] != state.version:
        raise Gone
    parts = [unpack(body, day, positions, checksum) for _, day, checksum, body in rows if day is not None]
    nothing = Packed(np.empty(0, np.uint32), np.empty(0, np.int64), tuple(np.empty(0, np.int32) for _ in wanted))
    found = _sorted(state, first, wanted, together(parts or [nothing]).in_order())
    kept.put(("stretch", state.name_id, state.generation, first, wanted), found, found.size)
    return found


def _sorted(state: State, first: int | None, wanted: tuple[str, ...], events: Packed) -> Stretch:
    profiles, rank = _roll()
    if len(events.person) and int(events.person.max()) >= len(rank):
        raise Gone
    ranks = rank[events.person]
    # A stable counting sort: SciPy's way from the columns of a matrix to its rows, 20 times quicker than argsort.
    count = len(ranks)
    matrix = sparse.csc_array(
        (np.arange(count, dtype=np.int32), ranks, np.arange(count + 1, dtype=np.int32)), shape=(len(profiles), count)
    ).tocsr()
    there = np.flatnonzero(np.diff(matrix.indptr))
    return Stretch(
        state,
        first,
        profiles[there],
        np.append(matrix.indptr[there], count).astype(np.int64),
        events.time[matrix.indices],
        {name: column[matrix.indices] for name, column in zip(wanted, events.codes, strict=True)},
    )


def _roll() -> tuple[np.ndarray, np.ndarray]:
    """Profiles in order, and for each person's number the place there; as redirects lead at the moment, or some time ago:
    whoever was merged since is looked for by the reader."""
    _numbers.catch_up()
    known: tuple[int, int, np.ndarray, np.ndarray] | None = kept.get("roll")
    if known is not None and known[:2] == (_numbers.born, len(_numbers.profiles)):
        return known[2], known[3]
    profiles = _numbers.profiles.copy()
    redirects = sql.packed(_REDIRECTS, (), [("id", "i8"), ("profile_id", "i8")])
    numbers = _numbers.of(redirects["id"])
    profiles[numbers[numbers >= 0]] = redirects["profile_id"][numbers >= 0]
    distinct, rank = np.unique(profiles, return_inverse=True)
    rank = rank.astype(np.int32)
    kept.put("roll", (_numbers.born, len(_numbers.profiles), distinct, rank), distinct.nbytes + rank.nbytes)
    return distinct, rank


def day_of(microseconds: int) -> int:
    return microseconds // DAY
