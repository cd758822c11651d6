"""Journeys as columns: what is loaded once, filtered by masks, and given to every model. No database here."""

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np

MILLIONTH = 1_000_000  # values are whole millionths of the goal's currency, so that sums are exact


class Touch(IntEnum):
    """What a touchpoint is. Models count all but views; views are reported on their own."""

    VISIT = 0  # a session that nobody sent: direct, or by a referrer
    CLICK = 1  # somebody followed an ad, a mail, a link of ours
    VIEW = 2  # saw it only: an ad's impression, a mail opened
    OFFLINE = 3  # came to a store, was called


class Device(IntEnum):
    """On what the last touchpoint was, or where the conversion took place when there was none."""

    UNKNOWN = 0
    DESKTOP = 1
    MOBILE = 2
    TABLET = 3
    APP = 4
    STORE = 5


@dataclass(frozen=True)
class Journeys:
    """`n` journeys with `m` touches in all, in order of (day, profile, id); touches in order of time in each.

    Per journey: `starts` (n + 1, int64: its touches are starts[i]:starts[i + 1]), `profile` (int64), `id` (int64), `time`
    (int64, microseconds since 1970), `day` (int32, days since 1970 by the company's time zone), `converted`, `new` (bool),
    `value`, `back` (int64, millionths), `device` (int8). A conversion that was taken back whole has `converted` False and
    value 0. `weight` (int64): how many journeys a row stands for, 1 unless rows were put together; `value` is of them all.
    Per touch: `channel` (int16, place in a list of channels that whoever loaded it has), `campaign` (int32, likewise; -1 for
    none), `age` (int32, seconds before `time`), `kind` (int8, `Touch`). `direct`: the place of the channel of visits that
    nobody sent, -1 when there is none. `half_life`: days, of the goal's model 'Time decay'.
    """

    starts: np.ndarray
    profile: np.ndarray
    id: np.ndarray
    time: np.ndarray
    day: np.ndarray
    converted: np.ndarray
    new: np.ndarray
    value: np.ndarray
    back: np.ndarray
    device: np.ndarray
    weight: np.ndarray
    channel: np.ndarray
    campaign: np.ndarray
    age: np.ndarray
    kind: np.ndarray
    direct: int = -1
    half_life: float = 7.0

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def lengths(self) -> np.ndarray:
        """Touches of each journey."""
        return np.diff(self.starts)

    @cached_property
    def worked(self) -> dict[object, Any]:
        """What one model worked out of them, for the next one."""
        return {}

    @property
    def journey_of(self) -> np.ndarray:
        """For each touch the place of its journey."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def where(self, journeys: np.ndarray) -> "Journeys":
        """Those of a mask over journeys. Cost: one pass over their touches."""
        rows = np.flatnonzero(journeys)
        lengths = self.lengths[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        touches = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], lengths)
        columns: dict[str, Any] = {name: _taken(getattr(self, name), rows) for name in PER_JOURNEY}
        columns |= {name: _taken(getattr(self, name), touches) for name in PER_TOUCH}
        return replace(self, starts=starts, **columns)

    def touching(self, touches: np.ndarray) -> "Journeys":
        """All journeys with only the touches of a mask over touches. Cost: one pass over these."""
        kept = np.concatenate([[0], np.cumsum(touches)])
        places = np.flatnonzero(touches)
        per_touch: dict[str, Any] = {name: _taken(getattr(self, name), places) for name in PER_TOUCH}
        return replace(self, starts=kept[self.starts], **per_touch)

    @property
    def clicks(self) -> "Journeys":
        """Without views: what models count."""
        return self.touching(self.kind != Touch.VIEW)


def _taken(column: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Those at the places; a column that is one value all along (`np.broadcast_to`) stays so."""
    if column.strides == (0,) and len(column):
        return np.broadcast_to(column[0], len(places))
    found: np.ndarray = column[places]
    return found


PER_JOURNEY = ("profile", "id", "time", "day", "converted", "new", "value", "back", "device", "weight")
PER_TOUCH = ("channel", "campaign", "age", "kind")
TYPES = {
    "profile": np.int64, "id": np.int64, "time": np.int64, "day": np.int32, "converted": np.bool_, "new": np.bool_,
    "value": np.int64, "back": np.int64, "device": np.int8, "weight": np.int64,
    "channel": np.int16, "campaign": np.int32, "age": np.int32, "kind": np.int8,
}  # fmt: skip


@dataclass(frozen=True)
class Credit:
    """A model's answer: for each channel (or campaign) its share of the conversions (float64) and of their value
    (float64, currency units). `none_*`: of conversions without any touchpoint. All together add up to the conversions."""

    conversions: np.ndarray
    value: np.ndarray
    none_conversions: float
    none_value: float
    error: np.ndarray | None = None  # half the width of a 95 % interval of `conversions`, where the model samples
