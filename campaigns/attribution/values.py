"""Journeys as columns: what is loaded once, filtered by masks, and given to every model. No database here."""

from dataclasses import dataclass, replace
from enum import IntEnum

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
    nobody sent, -1 when there is none.
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

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Touches of each journey."""
        return np.diff(self.starts)

    @property
    def journey_of(self) -> np.ndarray:
        """For each touch the place of its journey."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def where(self, journeys: np.ndarray) -> "Journeys":
        """Those of a mask over journeys. Cost: one pass over the touches."""
        return self._picked(journeys, np.repeat(journeys, self.lengths))

    def touching(self, touches: np.ndarray) -> "Journeys":
        """All journeys with only the touches of a mask over touches. Cost: one pass over these."""
        kept = np.concatenate([[0], np.cumsum(touches)])
        return replace(self, starts=kept[self.starts], **{name: getattr(self, name)[touches] for name in PER_TOUCH})

    @property
    def clicks(self) -> "Journeys":
        """Without views: what models count."""
        return self.touching(self.kind != Touch.VIEW)

    def _picked(self, journeys: np.ndarray, touches: np.ndarray) -> "Journeys":
        kept = np.concatenate([[0], np.cumsum(touches)])
        lengths = (kept[self.starts[1:]] - kept[self.starts[:-1]])[journeys]
        per_journey = {name: getattr(self, name)[journeys] for name in PER_JOURNEY}
        per_touch = {name: getattr(self, name)[touches] for name in PER_TOUCH}
        return replace(self, starts=np.concatenate([[0], np.cumsum(lengths)]), **per_journey, **per_touch)


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
