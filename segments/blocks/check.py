"""What must hold of column blocks: they say what the table says. A sample of days is compared each time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from cdp_site import sql
from cdp_site.checks import check
from segments.blocks.numbers import Numbers
from segments.blocks.packing import Damaged, Packed, together, unpack
from segments.blocks.sealing import Name, named, sealed_names
from segments.compare import Parameters

SAMPLE = 12
_MEND = "`manage.py segments blocks --drop` has them made anew; answers are right meanwhile"
_DAYS = "SELECT DISTINCT day FROM block WHERE name_id = %s AND generation = %s ORDER BY day"
_PARTS = "SELECT checksum, body FROM block WHERE name_id = %s AND generation = %s AND day = %s ORDER BY part"
_VALUES = "SELECT code, value FROM block_value WHERE name_id = %s AND property = %s"
_REDIRECTS = "SELECT id, profile_id FROM profile_redirect"
_UNSEALED = "SELECT profile_id FROM unsealed_profile"


@check("column blocks say what the table says")
def blocks_are_true() -> Iterator[str]:
    """Cost: a few days of each name, read from both, and who everybody is."""
    names = [name for name in sealed_names() if name.edge is None]
    if not names:
        return
    people = _People()
    # Other days each time: the doctor comes by often.
    rng = np.random.default_rng()
    for name in names:
        days = [day for (day,) in sql.rows(_DAYS, (name.id, name.generation))]
        newest, older = days[-2:], days[:-2]
        some = rng.choice(older, min(SAMPLE, len(older)), replace=False).tolist() if older else []
        for day in sorted([*some, *newest]):
            wrong = _wrong(name, day, people)
            if wrong:
                yield f"events of name {name.id} on {np.datetime64(day, 'D')}: {wrong}; {_MEND}"


class _People:
    """Who the numbers in blocks are by now, and for whom blocks don't speak."""

    def __init__(self) -> None:
        numbers = Numbers()
        numbers.catch_up()
        self.profiles = numbers.profiles.copy()
        led = sql.packed(_REDIRECTS, (), [("id", "i8"), ("to", "i8")])
        known = numbers.of(led["id"])
        self.profiles[known[known >= 0]] = led["to"][known >= 0]
        self.unsealed = sql.packed(_UNSEALED, (), [("id", "i8")])["id"]


def _wrong(name: Name, day: int, people: _People) -> str:
    """What is wrong with a day, '' for nothing."""
    wanted = tuple(range(len(name.properties)))
    try:
        parts = [
            unpack(bytes(body), day, wanted, checksum)
            for checksum, body in sql.rows(_PARTS, (name.id, name.generation, day), binary=True)
        ]
    except Damaged:
        return "a block isn't what was written"
    blocks = together(parts)
    if len(blocks.person) and int(blocks.person.max()) >= len(people.profiles):
        return "a block has people who have no number"
    sealed, table = _said(name, blocks, people), _told(name, day, people)
    if sealed == table:
        return ""
    return f"blocks have {len(sealed):,} events, the table {len(table):,}, and {len(sealed ^ table):,} differ"


_Event = tuple[int, int, tuple[str | None, ...], int]


def _said(name: Name, blocks: Packed, people: _People) -> set[_Event]:
    columns = []
    for property, codes in zip(name.properties, blocks.codes, strict=True):
        texts: dict[int, str] = dict(sql.rows(_VALUES, (name.id, property), binary=True))
        columns.append([texts.get(code) for code in codes.tolist()])
    return _counted(people.profiles[blocks.person], blocks.time, columns, people.unsealed)


def _told(name: Name, day: int, people: _People) -> set[_Event]:
    parameters = Parameters()
    texts = [named([name], one, parameters) for one in name.properties]
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    query = (
        f"SELECT {', '.join(['profile_id', 'time', *texts])} FROM event"
        f" WHERE name_id = {parameters.add(name.id)}::smallint AND id <= {parameters.add(name.until)}"
        f" AND time >= {parameters.add(start)} AND time < {parameters.add(start + timedelta(days=1))}"
    )
    layout = [("profile", "i8"), ("time", "time"), *((f"text{place}", "text") for place in range(len(texts)))]
    found = sql.packed(query, parameters.values, layout)
    columns = [found[f"text{place}"].tolist() for place in range(len(texts))]
    return _counted(found["profile"], found["time"], columns, people.unsealed)


def _counted(
    profiles: np.ndarray, times: np.ndarray, columns: list[list[str | None]], unsealed: np.ndarray
) -> set[_Event]:
    """Events as a set: which ones, and the how manieth of those that are alike."""
    alike: dict[tuple[int, int, tuple[str | None, ...]], int] = {}
    found: set[_Event] = set()
    texts = list(zip(*columns, strict=True)) if columns else [()] * len(profiles)
    for profile, time, said, spoken_for in zip(
        profiles.tolist(), times.tolist(), texts, (~np.isin(profiles, unsealed)).tolist(), strict=True
    ):
        if spoken_for:
            alike[profile, time, said] = alike.get((profile, time, said), 0) + 1
            found.add((profile, time, said, alike[profile, time, said]))
    return found
