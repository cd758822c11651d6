"""From requirements to NumPy columns: the only reading of people and events that rules do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from django.conf import settings

from cdp_site import sql
from segments.blocks import people as everybody
from segments.blocks import reading as blocks
from segments.columns import CHUNK, NEVER, NO_MOMENT, Chunk, Columns, Happenings, Held, micros, moment_of  # noqa: F401
from segments.compare import A_LIST, NO_VALUE, Parameters, birthday, condition, hours, moment, number, single, values
from segments.require import ANONYMOUS, Kind, Requirements, Stream, digest
from segments.rules import CLOCK_OPS, Events, Records

# Of many people more at once, as each chunk passes over the same index again; with blocks nothing is passed over.
LARGE, WHOLE = 2**18, 2**20
# Filters of one statement are answered as bits of whole numbers.
_BITS = 46
_NAME = 16


def load(needed: Requirements, people: Chunk | np.ndarray, now: datetime, back: int = 0) -> Columns:
    """Columns for a chunk of all people, or for those of `people` (ids) that are there.

    `back`: by how many seconds before `now` the columns may be asked as well. Cost for a chunk: an index range for each
    stream; for listed people: one pass over all their events, and one more for each property whose values are asked.
    """
    columns = _load_persons(needed, people)
    streams = {slot: _widened(stream, back) for slot, stream in needed.streams.items()}
    ids = name_ids({stream.events.name for stream in streams.values()})
    if isinstance(people, Chunk):
        for slot, stream in streams.items():
            numbers = ids.get(stream.events.name, [])
            columns.streams[slot] = _load_stream(stream, numbers, columns.people, people, now)
    elif streams:
        columns.streams = _load_listed(streams, ids, columns.people, now)
    among = _Among(columns.people, people)
    for slot, records in needed.records.items():
        columns.records[slot] = _load_records(records, columns.people, among)
    columns.thresholds = _load_thresholds(list(needed.tops))
    return columns


def chunks(needed: Requirements, now: datetime, back: int = 0) -> Iterator[Columns]:
    """Columns for everybody, a chunk at a time; a large one where most of it is kept."""
    after, size = 0, CHUNK
    if everybody.place():
        size = WHOLE if blocks.there_are() else LARGE
    while True:
        columns = load(needed, Chunk(after, size), now, back)
        yield columns
        if len(columns.people) < size:
            return
        after = int(columns.people[-1])
        # Whoever asked may hold them still while the next ones are read.
        columns.worked.clear()


def name_ids(events: set[str]) -> dict[str, list[int]]:
    """The numbers of each event name; a name may occur with several types of message."""
    found: dict[str, list[int]] = {}
    if events:
        for name, id in sql.rows("SELECT name, id FROM event_name WHERE name = ANY(%s)", (sorted(events),)):
            found.setdefault(name, []).append(id)
    return found


def _widened(stream: Stream, back: int) -> Stream:
    return stream if stream.within is None or not back else replace(stream, within=stream.within + back)


@dataclass(frozen=True)
class _Among:
    """Whose rows are read: all of a chunk's, or those of the people who are listed."""

    people: np.ndarray
    asked: Chunk | np.ndarray

    def condition(self, parameters: Parameters) -> str:
        if not isinstance(self.asked, Chunk):
            return f"profile_id = ANY({parameters.add(array(self.people))}::bigint[])"
        tests = []
        if self.asked.after:
            tests.append(f"profile_id > {parameters.add(self.asked.after)}")
        if len(self.people) == self.asked.limit:
            tests.append(f"profile_id <= {parameters.add(int(self.people[-1]))}")
        return " AND ".join(tests) or "true"


def _load_persons(needed: Requirements, people: Chunk | np.ndarray) -> Columns:
    """Who there is, with what is asked of them themselves: of everybody from what is kept of them, where it is kept."""
    if isinstance(people, Chunk) and people.limit > CHUNK:
        kept = everybody.columns(needed, people.after, people.limit, _read_persons)
        if kept is not None:
            columns = Columns(kept[0])
            for (kind, slot), column in kept[1].items():
                getattr(columns, kind)[slot] = column
            return columns
    return _load_people(needed, people)


def _read_persons(
    needed: Requirements, people: np.ndarray | None
) -> tuple[np.ndarray, dict[everybody.Slot, np.ndarray]]:
    found = _load_people(needed, Chunk(0, 2**62) if people is None else people)
    return found.people, {(kind, slot): getattr(found, kind)[slot] for kind, slot in everybody.slots(needed)}


def _load_people(needed: Requirements, people: Chunk | np.ndarray) -> Columns:
    parameters = Parameters()
    selected, layout = ["id"], [("id", "i8")]
    for place, trait in enumerate(needed.passed.values()):
        selected.append(f"({condition('traits', trait.name, trait.op, trait.value, parameters)})::int")
        layout.append((f"passed{place}", "i2"))
    asked = (("moment", needed.moments, moment, "time"), ("birthday", needed.birthdays, birthday, "i2"),
             ("number", needed.numbers, number, "f8"))  # fmt: skip
    for prefix, names, expression, kind in asked:
        for place, name in enumerate(sorted(names)):
            selected.append(expression("traits", name, parameters))
            layout.append((f"{prefix}{place}", kind))
    if ANONYMOUS in needed.known:
        selected.append("(NOT identified)::int")
        layout.append(("anonymous", "i2"))
    if isinstance(people, Chunk):
        where = f"id > {parameters.add(people.after)} ORDER BY id LIMIT {parameters.add(people.limit)}"
    else:
        where = f"id = ANY({parameters.add(array(people))}::bigint[]) ORDER BY id"
    found = sql.packed(f"SELECT {', '.join(selected)} FROM profile WHERE {where}", parameters.values, layout)

    def column(name: str) -> np.ndarray:
        return np.ascontiguousarray(found[name])

    columns = Columns(
        people=column("id"),
        passed={slot: found[f"passed{place}"] != 0 for place, slot in enumerate(needed.passed)},
        moments={name: column(f"moment{place}") for place, name in enumerate(sorted(needed.moments))},
        birthdays={name: column(f"birthday{place}") for place, name in enumerate(sorted(needed.birthdays))},
        numbers={name: column(f"number{place}") for place, name in enumerate(sorted(needed.numbers))},
        known={ANONYMOUS: found["anonymous"] != 0} if ANONYMOUS in needed.known else {},
    )
    for kind in needed.known - {ANONYMOUS}:
        columns.known[kind] = _load_known(kind, columns.people, _Among(columns.people, people))
    return columns


def _load_stream(stream: Stream, ids: Sequence[int], people: np.ndarray, chunk: Chunk, now: datetime) -> Happenings:
    """One stream for a chunk of people: from blocks where there are some; else the index `event_of_name` alone, unless
    there are filters or values."""

    def table(source: Callable[[Parameters], str]) -> Happenings:
        # Most values are no lists: asked so, a row costs half as much.
        found = read(source, lists=False)
        if found.value is None:
            return found
        if (found.value == A_LIST).any():
            return read(source, lists=True)
        some = found.value != NO_VALUE
        return Happenings(found.person[some], found.time[some], found.value[some])

    def read(source: Callable[[Parameters], str], *, lists: bool) -> Happenings:
        parameters = Parameters()
        joins, value = "", ""
        if stream.kind and lists:
            joins, value = values("properties", stream.value, stream.kind, parameters)
        elif stream.kind:
            joins, value = single("properties", stream.value, stream.kind, "true", "said", parameters)
        where = [_names(stream, ids, now, parameters), *_chosen(stream.events, parameters)]
        where.append(_Among(people, chunk).condition(parameters))
        selected, layout = ["profile_id", "time"], [("profile_id", "i8"), ("time", "time")]
        if value:
            selected.append(value)
            layout.append(("value", "i8"))
        query = f"SELECT {', '.join(selected)} FROM {source(parameters)} {joins} WHERE {' AND '.join(where)}"
        answer = sql.packed(query, parameters.values, layout)
        return _placed(people, answer[_order(people, answer)])

    earliest = _earliest(stream, now)
    found = blocks.read(stream, ids, people, None if earliest is None else micros(earliest), table)
    return table(lambda _: "event") if found is None else found


def _load_listed(
    streams: dict[str, Stream], ids: dict[str, list[int]], people: np.ndarray, now: datetime
) -> dict[str, Happenings]:
    """All streams for listed people, in one pass over their events; one more for each property that holds lists."""
    loaded, lists = _load_pass(streams, ids, people, now)
    for said in lists:
        again = {slot: stream for slot, stream in streams.items() if (stream.value, stream.kind) == said}
        loaded |= _load_pass(again, ids, people, now, items=True)[0]
    return loaded


def _load_pass(
    streams: dict[str, Stream], ids: dict[str, list[int]], people: np.ndarray, now: datetime, *, items: bool = False
) -> tuple[dict[str, Happenings], list[tuple[str, Kind]]]:
    """Streams in one pass: which filters an event passes comes as bits, and its value of each property that is asked.

    With the streams those properties some of whose values are lists. `items`: of one such property a row for each item.
    """
    parameters = Parameters()
    filtered = [slot for slot, stream in streams.items() if stream.events.where or stream.events.hours]
    # The name is the lowest 16 of the first bits.
    selected, layout = ["profile_id", "time"], [("profile_id", "i8"), ("time", "time")]
    for first in range(0, max(len(filtered), 1), _BITS):
        bits = ["0::int8"] if first else ["name_id::int8"]
        for bit, slot in enumerate(filtered[first : first + _BITS], _NAME):
            numbers = ids.get(streams[slot].events.name, [])
            tests = [_names(streams[slot], numbers, now, parameters), *_chosen(streams[slot].events, parameters)]
            bits.append(f"CASE WHEN {' AND '.join(tests)} THEN {1 << bit}::int8 ELSE 0::int8 END")
        selected.append(" | ".join(bits))
        layout.append((f"bits{first // _BITS}", "i8"))
    said: list[tuple[str, Kind]] = sorted({(stream.value, stream.kind) for stream in streams.values() if stream.kind})
    joins = ""
    for place, (name, kind) in enumerate(said):
        events = {stream.events.name for stream in streams.values() if (stream.value, stream.kind) == (name, kind)}
        numbered = _named(sorted(id for event in events for id in ids.get(event, [])), parameters)
        joined, value = (
            values("properties", name, kind, parameters)
            if items
            else single("properties", name, kind, numbered, f"value{place}", parameters)
        )
        joins += f" {joined}"
        selected.append(value)
        layout.append((f"value{place}", "i8"))
    # OFFSET 0 keeps the filters above the partitions, where they are planned once: planning was most of a small batch.
    query = (
        f"SELECT {', '.join(selected)} FROM (SELECT profile_id, time, name_id, properties FROM event"
        f" WHERE profile_id = ANY({parameters.add(array(people))}::bigint[]) AND ({_any_of(streams, ids, now, parameters)})"
        f" OFFSET 0) AS event{joins}"
    )
    found = sql.packed(query, parameters.values, layout)
    person, _ = _positions(people, found["profile_id"])
    order = sort_order(person, found["time"])
    column = {name: found[name][order] for name, _ in layout if name != "profile_id"}
    person, time, names = person[order], column["time"], column["bits0"] & ((1 << _NAME) - 1)
    named = {event: np.isin(names, numbers) for event, numbers in ids.items()}
    loaded = {}
    for slot, stream in streams.items():
        earliest = _earliest(stream, now)
        chosen = named.get(stream.events.name, np.zeros(len(found), bool))
        if slot in filtered:
            place, bit = divmod(filtered.index(slot), _BITS)
            chosen = chosen & ((column[f"bits{place}"] >> (bit + _NAME)) & 1 == 1)
        elif earliest is not None:
            chosen = chosen & (time > micros(earliest))
        happened = column[f"value{said.index((stream.value, stream.kind))}"] if stream.kind else None
        if happened is not None and not items:
            chosen = chosen & (happened != NO_VALUE)
        loaded[slot] = Happenings(person[chosen], time[chosen], None if happened is None else happened[chosen])
    lists = [] if items else [one for place, one in enumerate(said) if (column[f"value{place}"] == A_LIST).any()]
    return loaded, lists


def _any_of(streams: dict[str, Stream], ids: dict[str, list[int]], now: datetime, parameters: Parameters) -> str:
    """The condition that an event is in any of the streams, filters aside: one term an event name."""
    longest: dict[str, Stream] = {}
    for stream in streams.values():
        before = longest.get(stream.events.name)
        if before is None or stream.within is None or (before.within is not None and stream.within > before.within):
            longest[stream.events.name] = stream
    return " OR ".join(_names(stream, ids.get(stream.events.name, []), now, parameters) for stream in longest.values())


def _chosen(events: Events, parameters: Parameters) -> list[str]:
    """The conditions on what an event says and at which hour it happened."""
    tests = [condition("properties", one.name, one.op, one.value, parameters) for one in events.where]
    return tests + ([hours("time", events.hours, parameters, settings.TIME_ZONE)] if events.hours else [])


def _names(stream: Stream, ids: Sequence[int], now: datetime, parameters: Parameters) -> str:
    """The condition on name and time. What is in the future is loaded too: time alone will bring it in."""
    text = _named(ids, parameters)
    earliest = _earliest(stream, now)
    return text if earliest is None else f"({text} AND time > {parameters.add(earliest)})"


def _named(ids: Sequence[int], parameters: Parameters) -> str:
    """The condition that an event has one of these names. A plain comparison for one: asked of each event of 800 people
    it is a tenth of the whole."""
    if len(ids) == 1:
        return f"name_id = {parameters.add(ids[0])}::smallint"
    return f"name_id = ANY({parameters.add(list(ids))}::smallint[])"


def _earliest(stream: Stream, now: datetime) -> datetime | None:
    return None if stream.within is None else now - timedelta(seconds=stream.within)


_KINDS = "SELECT id FROM identifier_kind WHERE name = %s"


def _load_known(kind: str, people: np.ndarray, among: _Among) -> np.ndarray:
    """Who has an identifier of a kind. (Identifiers are never joined with profiles.)"""
    found = sql.rows(_KINDS, (kind,))
    if not found:
        return np.zeros(len(people), bool)
    parameters = Parameters()
    where = f"kind_id = {parameters.add(found[0][0])}::smallint AND {among.condition(parameters)}"
    query = f"SELECT DISTINCT profile_id FROM identifier WHERE {where} AND profile_id IS NOT NULL"
    return np.isin(people, sql.packed(query, parameters.values, [("profile_id", "i8")])["profile_id"])


# A record's own fields outweigh properties of the same name.
_FIELDS = """
properties || jsonb_build_object('status', nullif(status, ''), 'title', nullif(title, ''), 'value', value,
    'currency', nullif(currency, ''), 'opened_at', opened_at, 'closed_at', closed_at, 'updated_at', updated_at)
"""


def _load_records(records: Records, people: np.ndarray, among: _Among) -> Held:
    """A row for each record that passes the filters which have no clock, with the dates for those that have."""
    parameters = Parameters()
    plain = [one for one in records.where if one.op not in CLOCK_OPS]
    dated = [one for one in records.where if one.op in CLOCK_OPS]
    selected = ["profile_id", "coalesce(closed_at, 'infinity'::timestamptz)"]
    selected += [moment("fields", one.name, parameters) for one in dated]
    layout = [("profile_id", "i8"), ("time", "time"), *((f"date{place}", "time") for place in range(len(dated)))]
    fields = f"({_FIELDS if records.where else 'NULL::jsonb'}) AS fields"
    where = f"kind = {parameters.add(records.kind.lower())} AND {among.condition(parameters)}"
    tests = [condition("fields", one.name, one.op, one.value, parameters) for one in plain]
    query = (
        f"SELECT {', '.join(selected)} FROM (SELECT profile_id, closed_at, {fields} FROM record WHERE {where} OFFSET 0)"
        f" AS record WHERE {' AND '.join(tests) or 'true'}"
    )
    found = sql.packed(query, parameters.values, layout)
    positions, known = _positions(people, found["profile_id"])
    order = np.argsort(positions[known], kind="stable")
    found = found[known][order]
    closed = found["time"].copy()
    closed[closed < NO_MOMENT] = NEVER  # infinity, as it came out of the sum with 1970
    dates = tuple(np.ascontiguousarray(found[f"date{place}"]) for place in range(len(dated)))
    return Held(positions[known][order], closed, dates)


_THRESHOLDS = "SELECT key, threshold FROM segment_ranking WHERE key = ANY(%s)"


def _load_thresholds(tops: list[str]) -> dict[str, float]:
    """As they were last ranked; whoever ranked anew just now puts those in their place."""
    kept = dict(sql.rows(_THRESHOLDS, ([digest(slot) for slot in tops],))) if tops else {}
    return {slot: kept[digest(slot)] for slot in tops if digest(slot) in kept}


def _positions(people: np.ndarray, profiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where in `people` each profile is, and whether it is there."""
    if not len(people):
        return np.zeros(len(profiles), np.int64), np.zeros(len(profiles), bool)
    positions = np.searchsorted(people, profiles)
    positions[positions == len(people)] = 0
    return positions, people[positions] == profiles


def _order(people: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The rows of `people`, by person and time."""
    positions, known = _positions(people, found["profile_id"])
    if known.all():
        return sort_order(positions, found["time"])
    rows = np.flatnonzero(known)
    return rows[sort_order(positions[rows], found["time"][rows])]


def sort_order(person: np.ndarray, time: np.ndarray) -> np.ndarray:
    """The order by person and time. Cost: one sort of 64-bit numbers, unless times are years apart."""
    if not len(person):
        return np.empty(0, np.int64)
    first, last = int(time.min()), int(time.max())
    span = last - first + 1
    if (int(person.max()) + 1) * span < 2**63:
        return np.argsort(person * span + (time - first))
    return np.lexsort((time, person))


def _placed(people: np.ndarray, found: np.ndarray) -> Happenings:
    """Sorted rows of people who are there as columns."""
    positions, _ = _positions(people, found["profile_id"])
    value = np.ascontiguousarray(found["value"]) if "value" in (found.dtype.names or ()) else None
    return Happenings(positions, np.ascontiguousarray(found["time"]), value)


def array(ids: np.ndarray) -> str:
    """Ids as PostgreSQL writes an array: much quicker than a list of Python numbers."""
    return "{" + ",".join(map(str, ids.tolist())) + "}"
