"""From requirements to NumPy columns: the only reading of people and events that rules do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from cdp_site import sql
from segments.compare import Parameters, condition, moment
from segments.require import Requirements, Stream

CHUNK = 100_000
# Filters of one statement are answered as bits of whole numbers.
_BITS = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_MOMENT = np.iinfo(np.int64).min // 2  # anything below is 'no date'


@dataclass(frozen=True)
class Chunk:
    """People by id: the next `limit` after `after`."""

    after: int = 0
    limit: int = CHUNK


@dataclass
class Happenings:
    """Events of a stream: position of the person in `Columns.people`, and time in microseconds since 1970 (UTC)."""

    person: np.ndarray
    time: np.ndarray


@dataclass
class Columns:
    """What rules are evaluated on. `people` are sorted ids; the other columns are parallel to it, or point into it."""

    people: np.ndarray
    streams: dict[str, Happenings]
    passed: dict[str, np.ndarray]
    moments: dict[str, np.ndarray]


def micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment_of(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(microseconds))


def load(needed: Requirements, people: Chunk | np.ndarray, now: datetime) -> Columns:
    """Columns for a chunk of all people, or for those of `people` (ids) that are there.

    Cost for a chunk: an index range for each stream; for listed people: one pass over all their events.
    """
    columns = _load_people(needed, people)
    ids = name_ids({stream.event for stream in needed.streams.values()})
    if isinstance(people, Chunk):
        for slot, stream in needed.streams.items():
            columns.streams[slot] = _load_stream(stream, ids.get(stream.event, []), columns.people, people, now)
    elif needed.streams:
        columns.streams = _load_listed(needed.streams, ids, columns.people, now)
    return columns


def chunks(needed: Requirements, now: datetime, size: int = CHUNK) -> Iterator[Columns]:
    """Columns for everybody, a chunk at a time."""
    after = 0
    while True:
        columns = load(needed, Chunk(after, size), now)
        yield columns
        if len(columns.people) < size:
            return
        after = int(columns.people[-1])


def name_ids(events: set[str]) -> dict[str, list[int]]:
    """The numbers of each event name; a name may occur with several types of message."""
    found: dict[str, list[int]] = {}
    for name, id in sql.rows("SELECT name, id FROM event_name WHERE name = ANY(%s)", (sorted(events),)):
        found.setdefault(name, []).append(id)
    return found


def _load_people(needed: Requirements, people: Chunk | np.ndarray) -> Columns:
    parameters = Parameters()
    names = sorted(needed.moments)
    selected = ["id"]
    layout = [("id", "i8")]
    for number, trait in enumerate(needed.passed.values()):
        selected.append(f"({condition('traits', trait.name, trait.op, trait.value, parameters)})::int")
        layout.append((f"passed{number}", "i2"))
    for number, name in enumerate(names):
        selected.append(moment("traits", name, parameters))
        layout.append((f"moment{number}", "time"))
    if isinstance(people, Chunk):
        where = f"id > {parameters.add(people.after)} ORDER BY id LIMIT {parameters.add(people.limit)}"
    else:
        where = f"id = ANY({parameters.add(array(people))}::bigint[]) ORDER BY id"
    found = sql.packed(f"SELECT {', '.join(selected)} FROM profile WHERE {where}", parameters.values, layout)
    return Columns(
        people=np.ascontiguousarray(found["id"]),
        streams={},
        passed={slot: found[f"passed{number}"] != 0 for number, slot in enumerate(needed.passed)},
        moments={name: np.ascontiguousarray(found[f"moment{number}"]) for number, name in enumerate(names)},
    )


def _load_stream(stream: Stream, ids: Sequence[int], people: np.ndarray, chunk: Chunk, now: datetime) -> Happenings:
    """One stream for a chunk of people: the index `event_of_name` alone, unless there are filters."""
    parameters = Parameters()
    where = [_names(stream, ids, now, parameters)]
    where += [condition("properties", one.name, one.op, one.value, parameters) for one in stream.where]
    if chunk.after:
        where.append(f"profile_id > {parameters.add(chunk.after)}")
    if len(people) == chunk.limit:
        where.append(f"profile_id <= {parameters.add(int(people[-1]))}")
    query = f"SELECT profile_id, time FROM event WHERE {' AND '.join(where)}"
    found = sql.packed(query, parameters.values, [("profile_id", "i8"), ("time", "time")])
    return _placed(people, found["profile_id"], found["time"])


def _load_listed(
    streams: dict[str, Stream], ids: dict[str, list[int]], people: np.ndarray, now: datetime
) -> dict[str, Happenings]:
    """All streams for listed people in one pass: which filters an event passes comes as bits."""
    parameters = Parameters()
    wanted = {slot: _names(stream, ids.get(stream.event, []), now, parameters) for slot, stream in streams.items()}
    filtered = [slot for slot, stream in streams.items() if stream.where]
    selected, layout = ["profile_id", "time", "name_id"], [("profile_id", "i8"), ("time", "time"), ("name_id", "i2")]
    for first in range(0, len(filtered), _BITS):
        bits = []
        for bit, slot in enumerate(filtered[first : first + _BITS]):
            tests = [condition("properties", one.name, one.op, one.value, parameters) for one in streams[slot].where]
            bits.append(f"CASE WHEN {' AND '.join([wanted[slot], *tests])} THEN {1 << bit}::int8 ELSE 0::int8 END")
        selected.append(" | ".join(bits))
        layout.append((f"bits{first // _BITS}", "i8"))
    # OFFSET 0 keeps the filters above the partitions, where they are planned once: planning was most of a small batch.
    query = (
        f"SELECT {', '.join(selected)} FROM (SELECT profile_id, time, name_id, properties FROM event"
        f" WHERE profile_id = ANY({parameters.add(array(people))}::bigint[]) AND ({_any_of(streams, ids, now, parameters)})"
        " OFFSET 0) AS event"
    )
    found = sql.packed(query, parameters.values, layout)
    positions = np.searchsorted(people, found["profile_id"])
    loaded = {}
    for slot, stream in streams.items():
        earliest = _earliest(stream, now)
        chosen = np.isin(found["name_id"], ids.get(stream.event, []))
        if earliest is not None:
            chosen &= found["time"] > micros(earliest)
        if stream.where:
            number = filtered.index(slot)
            chosen &= (found[f"bits{number // _BITS}"] >> (number % _BITS)) & 1 == 1
        loaded[slot] = Happenings(positions[chosen], found["time"][chosen])
    return loaded


def _any_of(streams: dict[str, Stream], ids: dict[str, list[int]], now: datetime, parameters: Parameters) -> str:
    """The condition that an event is in any of the streams, filters aside: one term an event name."""
    longest: dict[str, Stream] = {}
    for stream in streams.values():
        before = longest.get(stream.event)
        if before is None or stream.within is None or (before.within is not None and stream.within > before.within):
            longest[stream.event] = stream
    return " OR ".join(_names(stream, ids.get(stream.event, []), now, parameters) for stream in longest.values())


def _names(stream: Stream, ids: Sequence[int], now: datetime, parameters: Parameters) -> str:
    """The condition on name and time. What is in the future is loaded too: time alone will bring it in."""
    text = f"name_id = ANY({parameters.add(list(ids))}::smallint[])"
    earliest = _earliest(stream, now)
    return text if earliest is None else f"({text} AND time > {parameters.add(earliest)})"


def _earliest(stream: Stream, now: datetime) -> datetime | None:
    return None if stream.within is None else now - timedelta(seconds=stream.within)


def _placed(people: np.ndarray, profiles: np.ndarray, times: np.ndarray) -> Happenings:
    """Events with their people's positions; those of people outside the chunk are left out."""
    if not len(people):
        return Happenings(np.empty(0, np.int64), np.empty(0, np.int64))
    positions = np.searchsorted(people, profiles)
    positions[positions == len(people)] = 0
    known = people[positions] == profiles
    return Happenings(positions[known], np.ascontiguousarray(times[known]))


def array(ids: np.ndarray) -> str:
    """Ids as PostgreSQL writes an array: much quicker than a list of Python numbers."""
    return "{" + ",".join(map(str, ids.tolist())) + "}"
