"""Reading of people's events what tells of touchpoints: the only place that does."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from campaigns.attribution import said
from campaigns.attribution.origins import Texts
from campaigns.attribution.touches import HIT, Hits
from campaigns.attribution.values import Device, Touch
from cdp_site import sql
from cdp_site.arrays import int8s

# Categories of sources whose messages are signs of life in a session.
SESSIONS = ("web", "app")


class Range(NamedTuple):
    """All people with an id in (after, until]."""

    after: int
    until: int


People = Range | np.ndarray  # the latter: their ids


def whose(people: People) -> tuple[str, dict[str, Any]]:
    """The condition on `profile_id`, with its parameters."""
    if isinstance(people, Range):
        return "profile_id > %(after)s AND profile_id <= %(until)s", {"after": people.after, "until": people.until}
    return "profile_id = ANY(%(people)b::bigint[])", {"people": int8s(people)}


# On what it was, from the context: the type of its device, else the browser's name of itself. Tablets of Android don't say
# Mobile. (No per cent signs: they would be placeholders.)
DEVICE = """
CASE WHEN context IS NULL THEN 0
     WHEN lower(context #>> '{device,type}') IN ('ios', 'android', 'watchos') THEN 4
     WHEN lower(context #>> '{device,type}') IN ('mobile', 'phone', 'smartphone') THEN 2
     WHEN lower(context #>> '{device,type}') IN ('tablet') THEN 3
     WHEN lower(context #>> '{device,type}') IN ('desktop', 'computer', 'pc') THEN 1
     WHEN context ->> 'userAgent' ~ 'iPad|Tablet' THEN 3
     WHEN context ->> 'userAgent' ~ 'Mobi' THEN 2
     WHEN context ->> 'userAgent' ~ 'Android' THEN 3
     WHEN context ->> 'userAgent' ~ 'Mozilla|Opera' THEN 1
     ELSE 0 END
"""
# What a source's category says of it, where it says anything.
OF_CATEGORY = {"app": Device.APP, "till": Device.STORE}

# `said`: the properties of an event of its own; of a hit its campaign, the page's address and that of the page before.
# OFFSET 0 keeps what is asked of an event above the partitions, where it is planned once.
_READ = """
SELECT profile_id, time, id, source_id, name_id, %s,
       CASE WHEN name_id = ANY(%%(own)s::smallint[]) THEN coalesce(properties::text, '')
            ELSE concat((context -> 'campaign')::text, E'\\x1f',
                coalesce(context #>> '{page,url}', CASE WHEN name_id = ANY(%%(pages)s::smallint[]) THEN properties ->> 'url' END),
                E'\\x1f',
                coalesce(context #>> '{page,referrer}',
                         CASE WHEN name_id = ANY(%%(pages)s::smallint[]) THEN properties ->> 'referrer' END,
                         context #>> '{referrer,url}', context ->> 'referrer')) END
FROM (SELECT profile_id, time, id, source_id, name_id, properties, context FROM event
      WHERE %s AND (name_id = ANY(%%(pages)s::smallint[]) OR name_id = ANY(%%(own)s::smallint[])
                    OR source_id = ANY(%%(alive)s::bigint[]) AND name_id <> ALL(%%(others)s::smallint[]))
      OFFSET 0) AS event
"""
_COLUMNS = [
    ("profile_id", "i8"), ("time", "time"), ("id", "i8"), ("source_id", "i8"), ("name_id", "i2"), ("device", "i2"),
    ("said", "text"),
]  # fmt: skip


@dataclass(frozen=True)
class Names:
    """Which events tell of touchpoints: numbers of names, and categories of sources. Read once a batch (`names`)."""

    own: dict[int, str]
    pages: list[int]
    others: list[int]
    categories: dict[int, str]

    def category(self, source: int) -> str:
        """A source's that isn't there any more: none."""
        return self.categories.get(source, "")


_NAMES = """
SELECT id, type, lower(name) FROM event_name WHERE type <> 'track' OR lower(name) = ANY(%s)
"""
_SOURCES = "SELECT id, category FROM source"


def names() -> Names:
    """Cost: a pass over the names of events, two queries."""
    found = sql.rows(_NAMES, (list(said.EVENTS),))
    return Names(
        own={id: name for id, type, name in found if type == "track"},
        pages=[id for id, type, _ in found if type in ("page", "screen")],
        others=[id for id, type, _ in found if type not in ("track", "page", "screen")],
        categories=dict(sql.rows(_SOURCES)),
    )


def read(people: People, known: Names) -> tuple[Hits, list[Texts]]:
    """The hits of some people, with the origins that they name. Cost: one pass over their events; 1 µs each here."""
    where, parameters = whose(people)
    parameters |= {
        "own": list(known.own), "pages": known.pages, "others": known.others,
        "alive": [id for id, category in known.categories.items() if category in SESSIONS],
    }  # fmt: skip
    rows = in_order(sql.packed(_READ % (DEVICE, where), parameters, _COLUMNS))
    reading = _Reading(known)
    told = [
        reading.of(source, name, text)
        for source, name, text in zip(
            rows["source_id"].tolist(), rows["name_id"].tolist(), rows["said"].tolist(), strict=True
        )
    ]
    columns = np.array([one or (0, 0, 0, 0, 0) for one in told], np.int32).reshape(-1, 5)
    kept = np.array([one is not None for one in told], bool)
    kind, origin, click, sign, outright = (np.ascontiguousarray(column) for column in columns[kept].T)
    device = devices(rows["source_id"][kept], rows["device"][kept], known.category)
    device[(kind == Touch.OFFLINE) & reading.in_store()[origin]] = Device.STORE
    return Hits(
        profile=np.ascontiguousarray(rows["profile_id"][kept]),
        time=np.ascontiguousarray(rows["time"][kept]),
        id=np.ascontiguousarray(rows["id"][kept]),
        kind=kind.astype(np.int8), origin=origin, click=click, sign=sign, device=device, outright=outright.astype(bool),
    ), list(reading.origins)  # fmt: skip


def in_order(rows: np.ndarray) -> np.ndarray:
    """Events by (profile, time, id)."""
    return rows[np.lexsort((rows["id"], rows["time"], rows["profile_id"]))]


def devices(sources: np.ndarray, said: np.ndarray, category: Callable[[int], str]) -> np.ndarray:
    """What the context says, else the source's category."""
    device = said.astype(np.int8)
    for source in np.unique(sources).tolist():
        implied = OF_CATEGORY.get(category(source))
        if implied is not None:
            device[(sources == source) & (device == Device.UNKNOWN)] = implied
    return device


# Kind, origin, click, sign, outright: as in `Hits`.
_Row = tuple[int, int, int, int, int]


@dataclass
class _Reading:
    """What was read in a batch: texts come again and again, and are taken apart once."""

    known: Names
    origins: dict[Texts, int] = field(default_factory=dict)
    clicks: dict[str, int] = field(default_factory=lambda: {"": 0})
    signs: dict[tuple[str, ...] | None, int] = field(default_factory=lambda: {None: 0})
    events: dict[tuple[str, str, str], _Row | None] = field(default_factory=dict)
    hits: dict[tuple[str, str, str, str, str], _Row] = field(default_factory=dict)

    def of(self, source: int, name: int, text: str) -> _Row | None:
        """The columns of an event; None for one that is no touchpoint after all."""
        category, event = self.known.category(source), self.known.own.get(name)
        return self._hit(category, text) if event is None else self._event(category, event, text)

    def _hit(self, category: str, text: str) -> _Row:
        campaign, url, referrer = text.split("\x1f", 2)
        address, _, query = url.partition("?")
        key = (category, campaign, query, said.host(address), said.host(referrer))
        found = self.hits.get(key)
        if found is None:
            found = self.hits[key] = self._row(HIT, said.of_hit(*key), outright=False)
        return found

    def _event(self, category: str, event: str, text: str) -> _Row | None:
        key = (category, event, text)
        if key not in self.events:
            found = said.of_event(event, category, text)
            outright = event == said.TOUCHPOINT
            self.events[key] = None if found is None else self._row(int(found.kind), found, outright=outright)
        return self.events[key]

    def _row(self, kind: int, found: said.Said, *, outright: bool) -> _Row:
        return (
            kind,
            self.origins.setdefault(found.texts, len(self.origins)),
            self.clicks.setdefault(found.click_id, len(self.clicks)),
            self.signs.setdefault(found.sign, len(self.signs)) if kind == HIT else 0,
            int(outright),
        )

    def in_store(self) -> np.ndarray:
        """For each origin whether it is a visit to a store."""
        return np.array([one.event == "store visited" for one in self.origins], bool)
