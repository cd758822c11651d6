"""From packed days to `Journeys`, filtered, a bounded part at a time; what the process keeps between questions.

A process keeps the newest packed days of the latest questions in the database's own form (`kept`: about 30 bytes a journey of
three touches) and opens some ten thousand journeys at a time. What is made of a stretch of days is kept, too: when a day is
packed anew only its stretch is gone through again.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import blake2b
from typing import Any, Protocol, TypeVar

import numpy as np
import structlog

from campaigns.attribution import blocks, kept
from campaigns.attribution.directory import Directory, Named, directory
from campaigns.attribution.filters import Filters, mask
from campaigns.attribution.packing import Damaged, Packed, nothing, unpack
from campaigns.attribution.values import PER_JOURNEY, PER_TOUCH, TYPES, Journeys
from cdp_site import sql

__all__ = ["Directory", "Named", "Part", "Question", "Stretch", "ask", "directory", "opened"]

log = structlog.get_logger(__name__)
EPOCH = blocks.EPOCH
# Days are gone through together as long as they have no more journeys than this.
PART = 50_000
_SPANS = (32, 8, 1)  # days


class Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


P = TypeVar("P", bound=Sized)


@dataclass(frozen=True)
class Stretch:
    """Days that are gone through together (since 1970, in order), and the versions in which they are packed. `digest`
    stands for both."""

    days: tuple[int, ...]
    versions: tuple[int, ...]
    kept: bool  # their packed days stay in the process
    digest: bytes

    @classmethod
    def of(cls, days: Sequence[int], versions: Sequence[int], kept: bool) -> "Stretch":
        body = np.array([*days, *versions], np.int64).tobytes()
        return cls(tuple(days), tuple(versions), kept, blake2b(body, digest_size=16).digest())


@dataclass(frozen=True)
class Part:
    """Journeys that pass the filters, and which of them have a value that isn't counted."""

    journeys: Journeys
    other_currency: np.ndarray


@dataclass(frozen=True, eq=False)
class Question:
    """Filters, opened: the packed days that answer them, at one moment. `version` says whether an earlier answer still
    stands (same filters, days, segment and directory)."""

    filters: Filters
    directory: Directory
    waiting: int  # days whose journeys changed and that are about to be packed anew: the answer is a moment old
    stretches: tuple[Stretch, ...]
    scope: Hashable = field(repr=False)  # all that an answer depends on, besides the days
    members: np.ndarray | None = field(repr=False)  # sorted ids of the people in the segment that was asked for
    half_life: float = 7.0  # days, of the goal's model 'Time decay'; part of `scope`, so that figures follow it at once

    @property
    def version(self) -> Hashable:
        body = b"".join(stretch.digest for stretch in self.stretches)
        return self.filters, self.scope, blake2b(body, digest_size=16).digest()

    def parts(self) -> Iterator[Journeys]:
        """The journeys that pass the filters, in order of (day, profile, id), some `PART` a time. `id` is 0 and `time` to
        the second in them. Touches that were only seen are there, whatever the filters say: see `counted`."""
        for stretch in self.stretches:
            yield self.part(stretch).journeys

    def part(self, stretch: Stretch) -> Part:
        """Those of one stretch."""
        bodies = _bodies(self.filters.goal, stretch)
        days = [day for day, body in bodies if len(body)]
        packs = [_unpacked(self.filters.goal, day, body) for day, body in bodies if len(body)]
        if not packs:
            return Part(empty(), np.zeros(0, bool))
        together = Packed.together(packs)
        day = np.repeat(np.array(days, np.int32), [len(one) for one in packs])
        found = replace(opened(together, day, self.directory), half_life=self.half_life)
        other = together.other_currency
        passing = mask(together, self.filters, self.members)
        return Part(found, other) if passing is None else Part(found.where(passing), other[passing])

    def counted(self, journeys: Journeys) -> Journeys:
        """With the touches that count by the filters: without those that were only seen, unless they are asked for."""
        return journeys if self.filters.views else journeys.clicks

    def whole(self) -> Journeys:
        """All of them at once: 75 bytes a journey and 11 a touch. For tests, exports and small worlds."""
        return replace(together(list(self.parts())), half_life=self.half_life)

    def gathered(self, what: Hashable, make: Callable[[Part], P], join: Callable[[Sequence[P]], P]) -> P:
        """What is made of each stretch, joined. `make` may depend on `what`, the filters (but for their days) and the
        directory only: it is kept by these. Cost: the stretches that changed since."""
        with kept.turn:
            found = []
            for stretch in self.stretches:
                key = (what, self.scope, stretch.digest)
                one: P | None = kept.made.get(key)
                if one is None:
                    one = make(self.part(stretch))
                    kept.keep(key, one, one.nbytes)
                found.append(one)
            return join(found)

    def answered(self, what: Hashable, answer: Callable[[], P]) -> P:
        """A whole answer, kept as long as it stands."""
        key = (what, self.version)
        with kept.turn:
            found: P | None = kept.made.get(key)
            if found is None:
                found = answer()
                kept.keep(key, found, found.nbytes)
            return found


_LOOK = """
SELECT day - DATE '1970-01-01', version, stale, journeys, octet_length(body) FROM journey_block
WHERE goal_id = %s AND day BETWEEN %s AND %s ORDER BY day
"""


_HALF_LIFE = "SELECT half_life_days::float8 FROM goal WHERE id = %s"


def ask(filters: Filters) -> Question:
    """Open a question. Cost: some milliseconds; days that the process doesn't keep are read when they are come to."""
    rows = sql.rows(_LOOK, (filters.goal, filters.since, filters.until))
    members, members_version = (None, None) if filters.segment is None else _members(filters.segment)
    names = directory()
    half_life = next((days for (days,) in sql.rows(_HALF_LIFE, (filters.goal,))), Question.half_life)
    apart = replace(filters, since=EPOCH, until=EPOCH)
    return Question(
        filters, names, sum(stale for _, _, stale, _, _ in rows),
        tuple(_stretches([(day, version, journeys, size) for day, version, _, journeys, size in rows if size])),
        (apart, names.revision, members_version, half_life), members, half_life,
    )  # fmt: skip


def _stretches(days: list[tuple[int, int, int, int]]) -> Iterator[Stretch]:
    """Days (number, version, journeys, bytes) in stretches that begin at fixed days, so that they are the same ones for
    others who ask. The newest days that fit are kept."""
    room, kept_from = kept.MOST_DAYS_BYTES, 2**31
    for day, _, _, size in reversed(days):
        room -= size
        if room < 0:
            break
        kept_from = day
    yield from _split(days, 0, kept_from)


def _split(days: list[tuple[int, int, int, int]], level: int, kept_from: int) -> Iterator[Stretch]:
    groups: dict[int, list[tuple[int, int, int, int]]] = {}
    for one in days:
        groups.setdefault(one[0] // _SPANS[level], []).append(one)
    for group in groups.values():
        if level + 1 < len(_SPANS) and sum(journeys for _, _, journeys, _ in group) > PART:
            yield from _split(group, level + 1, kept_from)
        else:
            yield Stretch.of([one[0] for one in group], [one[1] for one in group], group[0][0] >= kept_from)


_BODIES = """
SELECT day - DATE '1970-01-01', version, body FROM journey_block WHERE goal_id = %b AND day = ANY(%b::date[])
"""


def _bodies(goal: int, stretch: Stretch) -> list[tuple[int, bytes]]:
    """Days of a stretch, packed, in order: from the process, else read. One that was packed anew meanwhile is newer."""
    found: dict[int, bytes] = {}
    for day, version in zip(stretch.days, stretch.versions, strict=True):
        known = kept.days.get((goal, day))
        if known is not None and known[0] >= version:
            found[day] = known[1]
    missing = [EPOCH + timedelta(days=day) for day in stretch.days if day not in found]
    if missing:
        for day, version, body in sql.rows(_BODIES, (goal, missing), binary=True):
            found[day] = body
            if stretch.kept:
                kept.days.put((goal, day), (version, body), len(body))
    return sorted(found.items())


def _unpacked(goal: int, day: int, body: bytes) -> Packed:
    try:
        return unpack(body)
    except Damaged:
        # As slow as the table, and as right; the doctor tells of it.
        log.error("packed_day_damaged", goal_id=goal, day=day)
        found = blocks.read([(goal, EPOCH + timedelta(days=day))])
        return found[0].journeys if found else nothing()


_MEMBERS_NOW = """
SELECT size, coalesce((SELECT id FROM membership_change WHERE segment_id = segment.id ORDER BY id DESC LIMIT 1), 0)
FROM segment WHERE id = %s
"""
_MEMBERS = "SELECT profile_id FROM membership WHERE segment_id = %s ORDER BY profile_id"


def _members(segment: int) -> tuple[np.ndarray, Hashable]:
    """Who is in a segment now, sorted, and what says that it is still so."""
    version = (segment, *sql.rows(_MEMBERS_NOW, (segment,)))
    found: np.ndarray | None = kept.made.get(version)
    if found is None:
        found = sql.packed(_MEMBERS, (segment,), [("profile_id", "i8")])["profile_id"].copy()
        kept.keep(version, found, found.nbytes)
    return found, version


def opened(packed: Packed, day: np.ndarray, names: Directory) -> Journeys:
    """Packed journeys as columns, their origins as places of channels and campaigns."""
    count = len(packed)
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(packed.lengths, out=starts[1:])
    origin = np.minimum(packed.origin, len(names.channel_of) - 1)
    return Journeys(
        starts=starts, profile=packed.profile, id=np.broadcast_to(np.int64(0), count),
        time=packed.time.astype(np.int64) * 1_000_000, day=day, converted=packed.converted, new=packed.new,
        value=packed.value, back=packed.back if len(packed.backs) else np.broadcast_to(np.int64(0), count),
        device=packed.device, weight=np.broadcast_to(np.int64(1), count), channel=names.channel_of[origin],
        campaign=names.campaign_of[origin], age=packed.ages, kind=packed.kind, direct=names.direct,
    )  # fmt: skip


def lean(journeys: Journeys, *asked: str) -> Journeys:
    """With only what all models ask for, and what else is asked: other columns are 0 and cost nothing when some journeys or
    touches are picked."""
    zero: dict[str, Any] = {
        name: np.broadcast_to(TYPES[name](0), len(journeys))
        for name in ("profile", "time", "new", "back", "device")
        if name not in asked
    }
    if "campaign" not in asked:
        zero["campaign"] = np.broadcast_to(np.int32(-1), len(journeys.channel))
    return replace(journeys, **zero)


def empty() -> Journeys:
    columns: dict[str, Any] = {name: np.zeros(0, TYPES[name]) for name in (*PER_JOURNEY, *PER_TOUCH)}
    return Journeys(starts=np.zeros(1, np.int64), **columns)


def together(parts: Sequence[Journeys]) -> Journeys:
    """One after the other."""
    if not parts:
        return empty()
    lengths = np.concatenate([part.lengths for part in parts])
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in (*PER_JOURNEY, *PER_TOUCH)
    }
    return Journeys(starts=np.concatenate([[0], np.cumsum(lengths)]), **columns, direct=parts[0].direct)
