"""From events to touchpoints: sessions, named events, and each of them counted once. Pure: columns to columns.

A session is one touchpoint: it ends after 30 minutes without a sign of life, or where a hit says a campaign or click id
other than the session's. An ad's click and the visit that it leads to are one: a click or visit is dropped when a kept
click of at most 30 minutes before has the same origin, campaign name or click id, or when it says nothing itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.attribution.origins import Texts

GAP = 30 * 60 * 1_000_000  # microseconds
# A hit of a session; all other kinds are `Touch`.
HIT = -1


@dataclass(frozen=True)
class Hits:
    """Events that tell of touchpoints, in order of (profile, time, id).

    `profile`, `time` (microseconds since 1970), `id` (int64); `kind` (int8: `HIT`, else a touchpoint of its own, `Touch`);
    `origin` (int32, place in the list of origins); `click` (int32, a number for the click id's value, 0 for none);
    `sign` (int32, a number for what a hit says of campaign and click, 0 for nothing); `device` (int8); `outright` (bool: a
    `Touchpoint`, which stands beside whatever else is near).
    """

    profile: np.ndarray
    time: np.ndarray
    id: np.ndarray
    kind: np.ndarray
    origin: np.ndarray
    click: np.ndarray
    sign: np.ndarray
    device: np.ndarray
    outright: np.ndarray


@dataclass(frozen=True)
class Touches:
    """Touchpoints in order of (profile, time, id); `origin` as in `Hits`."""

    profile: np.ndarray
    time: np.ndarray
    id: np.ndarray
    kind: np.ndarray
    origin: np.ndarray
    device: np.ndarray

    def __len__(self) -> int:
        return len(self.id)


def touches(hits: Hits, origins: Sequence[Texts]) -> Touches:
    """The touchpoints of these people. Cost: one pass over the hits, a loop over touchpoints that are close together."""
    raise NotImplementedError
