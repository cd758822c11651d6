"""A stream for everybody, or for a chunk of people: from blocks what is sealed, from the table all that isn't.

What isn't: events that arrived since, names that have no blocks, people of whom events went to others. That these come
together exactly, without a lock, is owed to one look (`_look`): up to which key a name is sealed, by which version of
its blocks, and for whom they don't speak. Blocks that were replaced after it make the reader look again.
"""

import json
import weakref
from collections.abc import Callable, Sequence

import numpy as np
import structlog

from cdp_site import sql
from cdp_site.arrays import int8s
from segments.blocks import meaning
from segments.blocks.kept import kept
from segments.blocks.packing import DAY, Damaged
from segments.blocks.stretches import Gone, State, Stretch, stretch
from segments.columns import Happenings, moment_of
from segments.compare import Parameters
from segments.require import Stream, stream_key

log = structlog.get_logger(__name__)

_TRIES = 4
# With so many people whom blocks don't speak for the table is as quick.
_MOST_UNSEALED = 50_000


# Reads a stream's rows from the table: `source` is what stands for the table `event` in the statement.
FromTable = Callable[[Callable[[Parameters], str]], Happenings]


def read(
    stream: Stream, ids: Sequence[int], people: np.ndarray, earliest: int | None, table: FromTable
) -> Happenings | None:
    """None where there are no blocks that can answer it. May have events from before `earliest`, of the same day or
    even before: whoever asks cuts at the moment anyway.

    Cost where the columns are kept: what came since. Else see `stretches.stretch`.
    """
    if stream.events.hours is not None or not len(people):
        return None
    for _ in range(_TRIES):
        states, unsealed = _look(ids)
        if not states or len(unsealed) > _MOST_UNSEALED or not all(_has(state, stream) for state in states):
            return None
        try:
            found = [_sealed(state, stream, people, unsealed, earliest) for state in states]
        except Gone:
            continue
        except Damaged:
            log.error("block_damaged", names=[state.name_id for state in states])
            return None
        if any(one is None for one in found):
            return None
        found += [table(_since(states, ids, earliest))]
        listed = _within(unsealed, people)
        if len(listed):
            found += [table(_of_people(states, listed))]
        return _merged([one for one in found if one is not None])
    return None


def there_are() -> bool:
    """Whether there are blocks at all."""
    return bool(sql.rows("SELECT 1 FROM block_name LIMIT 1"))


_LOOK = """
SELECT name_id, generation, version, until, edge, properties FROM block_name WHERE name_id = ANY(%b::smallint[])
UNION ALL SELECT NULL, profile_id, NULL, NULL, NULL, NULL FROM unsealed_profile
"""


def _look(ids: Sequence[int]) -> tuple[list[State], np.ndarray]:
    """Which blocks there are of these names, and for whom they don't speak. One statement: all at one moment."""
    states: dict[int, State] = {}
    unsealed = []
    for name, generation, version, until, edge, properties in sql.rows(_LOOK, (list(ids),)):
        if name is None:
            unsealed.append(generation)
            continue
        one = State(name, generation, version, until, edge, tuple(_names(properties)))
        before = states.get(name)
        # A complete generation is read until the next one is.
        if before is None or (edge is None, -generation) > (before.edge is None, -before.generation):
            states[name] = one
    return [states[name] for name in sorted(states)], np.sort(np.array(unsealed, np.int64))


def _names(properties: str) -> list[str]:
    found: list[str] = json.loads(properties)
    return found


def _has(state: State, stream: Stream) -> bool:
    return _properties(stream) <= set(state.properties)


def _properties(stream: Stream) -> set[str]:
    return {one.name for one in stream.events.where} | ({stream.value} if stream.value else set())


# -- from blocks


def _sealed(
    state: State, stream: Stream, people: np.ndarray, unsealed: np.ndarray, earliest: int | None
) -> Happenings | None:
    """What blocks say, None where a value that is asked for isn't kept in them."""
    first = None if earliest is None else earliest // DAY
    found = stretch(state, first, _properties(stream))
    if any(len(found.codes[one]) and found.lowest[one] < 0 for one in _properties(stream)):
        return None
    slot = ("rows", state.name_id, state.generation, stream_key(stream.events, stream.value, stream.kind))
    known = kept.get(slot)
    if known is not None and known[0] is found and known[1]() is people and np.array_equal(known[2], unsealed):
        rows: Happenings = known[3]
        return rows
    whole, rows = _of_stretch(found, stream, people, unsealed)
    if whole:
        kept.put(slot, (found, weakref.ref(people), unsealed, rows), 3 * rows.time.nbytes + 8 * len(people))
    return rows


def _of_stretch(found: Stretch, stream: Stream, people: np.ndarray, unsealed: np.ndarray) -> tuple[bool, Happenings]:
    """The rows of a stretch for these people, and whether all of its people were among those looked at."""
    low, high = np.searchsorted(found.people, people[0]), np.searchsorted(found.people, people[-1], side="right")
    there = found.people[low:high]
    position = np.minimum(np.searchsorted(people, there), len(people) - 1)
    living = people[position] == there
    spoken_for = living & ~np.isin(there, unsealed)
    counts = np.diff(found.starts[low : high + 1])
    if spoken_for.all():
        events: slice | np.ndarray = slice(int(found.starts[low]), int(found.starts[high]))
        person = np.repeat(position, counts)
    else:
        events = found.starts[low] + np.flatnonzero(np.repeat(spoken_for, counts))
        person = np.repeat(position[spoken_for], counts[spoken_for])
    rows = _passing(found, stream, events, person)
    whole = low == 0 and high == len(found.people)
    moved = _moved(found, people, unsealed, there[~living] if whole else None)
    if moved is not None:
        rows = _merged([rows, _passing(found, stream, *moved)])
    return whole, rows


_LED = "SELECT id, profile_id FROM profile_redirect WHERE id = ANY(%b::bigint[])"
_LED_HERE = "SELECT id, profile_id FROM profile_redirect WHERE profile_id BETWEEN %b AND %b"


def _moved(
    found: Stretch, people: np.ndarray, unsealed: np.ndarray, gone: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray] | None:
    """Events of whoever has become one with somebody of `people` since the stretch was read, with the position there.

    `gone`: who of the stretch isn't there any more, None where that isn't known.
    """
    if gone is None:
        led = sql.packed(_LED_HERE, (int(people[0]), int(people[-1])), [("id", "i8"), ("to", "i8")])
    elif len(gone):
        led = sql.packed(_LED, (int8s(gone),), [("id", "i8"), ("to", "i8")])
    else:
        return None
    if not len(led) or not len(found.people):
        return None
    place = np.minimum(np.searchsorted(found.people, led["id"]), len(found.people) - 1)
    position = np.minimum(np.searchsorted(people, led["to"]), len(people) - 1)
    chosen = (found.people[place] == led["id"]) & (people[position] == led["to"]) & ~np.isin(led["to"], unsealed)
    place, position = place[chosen], position[chosen]
    if not len(place):
        return None
    counts = found.starts[place + 1] - found.starts[place]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    events, person = np.repeat(found.starts[place], counts) + within, np.repeat(position, counts)
    order = np.lexsort((found.time[events], person))
    return events[order], person[order]


def _passing(found: Stretch, stream: Stream, events: slice | np.ndarray, person: np.ndarray) -> Happenings:
    """These events of the stretch, those that pass the filters, with their values."""
    state = found.state
    time = found.time[events]
    passing: np.ndarray | None = None
    for one in stream.events.where:
        codes = found.codes[one.name]
        test = meaning.passed(state.name_id, state.generation, one, found.highest[one.name])[codes[events]]
        passing = test if passing is None else passing & test
    if passing is not None:
        chosen = np.flatnonzero(passing)
        person, time = person[chosen], time[chosen]
    if not stream.kind:
        return Happenings(person, time)
    codes = found.codes[stream.value][events]
    if passing is not None:
        codes = codes[chosen]
    highest = found.highest[stream.value]
    rows, value = meaning.meant(state.name_id, state.generation, stream.value, stream.kind, highest).of(codes)
    if len(rows) == len(person) and (not len(rows) or (rows[-1] == len(person) - 1 and np.all(np.diff(rows) == 1))):
        return Happenings(person, time, value)
    return Happenings(person[rows], time[rows], value)


# -- from the table


def _since(states: Sequence[State], ids: Sequence[int], earliest: int | None) -> Callable[[Parameters], str]:
    """Events of these names that no block has, and that happened after `earliest`: of what has just been loaded in bulk
    most may be older."""

    def source(parameters: Parameters) -> str:
        sealed = {state.name_id for state in states}
        after = "" if earliest is None else f" AND time > {parameters.add(moment_of(earliest))}"
        parts = []
        for state in states:
            name, until = f"name_id = {parameters.add(state.name_id)}::smallint", parameters.add(state.until)
            parts.append(f"{name} AND id > {until}{after}")
            if state.edge is not None:
                parts.append(f"{name} AND id <= {until} AND time >= {_moment(state.edge)}{after}")
        if others := [id for id in ids if id not in sealed]:
            parts.append(f"name_id = ANY({parameters.add(others)}::smallint[]){after}")
        return _union(parts)

    return source


def _of_people(states: Sequence[State], people: np.ndarray) -> Callable[[Parameters], str]:
    """Events of these people that blocks may have."""

    def source(parameters: Parameters) -> str:
        listed = f"profile_id = ANY({parameters.add('{' + ','.join(map(str, people.tolist())) + '}')}::bigint[])"
        parts = []
        for state in states:
            before = "" if state.edge is None else f" AND time < {_moment(state.edge)}"
            name, until = parameters.add(state.name_id), parameters.add(state.until)
            parts.append(f"{listed} AND name_id = {name}::smallint AND id <= {until}{before}")
        return _union(parts)

    return source


def _union(parts: Sequence[str]) -> str:
    # OFFSET 0: each part is found by its own index, and what the stream asks besides is looked at there.
    selects = (f"(SELECT profile_id, time, name_id, properties FROM event WHERE {part} OFFSET 0)" for part in parts)
    return f"({' UNION ALL '.join(selects)}) AS event"


def _moment(day: int) -> str:
    """The start of a day since 1970; a number of this module's own."""
    return "'-infinity'::timestamptz" if day < -500_000 else f"to_timestamp({int(day)} * 86400.0)"


def _within(unsealed: np.ndarray, people: np.ndarray) -> np.ndarray:
    return unsealed[(unsealed >= people[0]) & (unsealed <= people[-1])]


# -- together


def _merged(parts: Sequence[Happenings]) -> Happenings:
    """Happenings by person and time again. The first is taken to be the longest by far."""
    found = [part for part in parts if len(part.person)]
    if not found:
        return parts[0]
    base = found[0]
    for more in found[1:]:
        place = _places(base, more)
        value = None
        if base.value is not None and more.value is not None:
            value = np.insert(base.value, place, more.value)
        base = Happenings(np.insert(base.person, place, more.person), np.insert(base.time, place, more.time), value)
    return base


def _places(base: Happenings, more: Happenings) -> np.ndarray:
    """Where rows belong among others: the person's stretch, then the time in it by halving."""
    low = np.searchsorted(base.person, more.person)
    high = np.searchsorted(base.person, more.person, side="right")
    while np.any(open := low < high):
        middle = (low + high) // 2
        later = open & (base.time[np.minimum(middle, len(base.time) - 1)] <= more.time)
        low = np.where(later, middle + 1, low)
        high = np.where(open & ~later, middle, high)
    return low
