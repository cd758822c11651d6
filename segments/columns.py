"""The columns that rules are evaluated on, as NumPy arrays, and moments as whole numbers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

CHUNK = 100_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_MOMENT = np.iinfo(np.int64).min // 2  # anything below is 'no date'
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Chunk:
    """People by id: the next `limit` after `after`."""

    after: int = 0
    limit: int = CHUNK


@dataclass
class Happenings:
    """Events of a stream, sorted by person and time: the person's position in `Columns.people`, the time in microseconds
    since 1970 (UTC), and for a stream with values the value, a row for each: numbers times 10,000, texts as codes."""

    person: np.ndarray
    time: np.ndarray
    value: np.ndarray | None = None
    # What the evaluator worked out of them; where they are kept, for the next question as well.
    worked: dict[object, object] = field(default_factory=dict, repr=False, compare=False)


@dataclass
class Held:
    """Records that pass their filters, but for those that the clock turns, sorted by person: when each is closed
    (`NEVER` for not), and the dates that the filters of the clock look at, in their order."""

    person: np.ndarray
    closed: np.ndarray
    dates: tuple[np.ndarray, ...] = ()


@dataclass
class Columns:
    """What rules are evaluated on. `people` are sorted ids; the other columns are parallel to it, or point into it.

    By the keys of `Requirements`. `birthdays`: month * 100 + day, 0 for none; `numbers`: NaN for none; `thresholds`: the
    lowest value that is still among a top's; who isn't ranked yet is in none.
    """

    people: np.ndarray
    streams: dict[str, Happenings] = field(default_factory=dict)
    passed: dict[str, np.ndarray] = field(default_factory=dict)
    moments: dict[str, np.ndarray] = field(default_factory=dict)
    birthdays: dict[str, np.ndarray] = field(default_factory=dict)
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    known: dict[str, np.ndarray] = field(default_factory=dict)
    records: dict[str, Held] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    # What the evaluator worked out at a moment, for the next rule that asks it.
    worked: dict[int, object] = field(default_factory=dict, repr=False)


def micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment_of(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(microseconds))
