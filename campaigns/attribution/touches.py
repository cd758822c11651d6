"""From events to touchpoints: sessions, named events, and each of them counted once. Pure: columns to columns.

A session is one touchpoint: it ends after 30 minutes without a sign of life, or where a hit says a campaign or click id
other than the session's. An ad's click and the visit that it leads to are one: a click or visit is dropped when a kept
click of at most 30 minutes before has the same origin, campaign name or click id, or when it says nothing itself.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.attribution.origins import Texts
from campaigns.attribution.values import Device, Touch

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
    begin = _beginnings(hits)
    kind = np.where(hits.kind == HIT, np.where(hits.sign > 0, Touch.CLICK, Touch.VISIT), hits.kind).astype(np.int8)
    place = np.flatnonzero(begin | (hits.kind != HIT))
    dropped, device = _once(hits, kind, place, origins)
    place = place[~dropped]
    return Touches(
        hits.profile[place], hits.time[place], hits.id[place], kind[place], hits.origin[place], device[~dropped]
    )


def _beginnings(hits: Hits) -> np.ndarray:
    """At which hits a session begins."""
    begins = np.zeros(len(hits.id), bool)
    place = np.flatnonzero(hits.kind == HIT)
    profile, time, sign = hits.profile[place], hits.time[place], hits.sign[place]
    fresh = np.ones(len(place), bool)
    fresh[1:] = (profile[1:] != profile[:-1]) | (time[1:] - time[:-1] > GAP)
    # Among hits that say something, one begins a session unless the last such hit of the same stretch said the same.
    stretch = np.cumsum(fresh)
    telling = np.flatnonzero(sign)
    again = np.zeros(len(telling), bool)
    again[1:] = (stretch[telling[1:]] == stretch[telling[:-1]]) & (sign[telling[1:]] == sign[telling[:-1]])
    fresh[telling[~again]] = True
    begins[place[fresh]] = True
    return begins


def _once(hits: Hits, kind: np.ndarray, place: np.ndarray, origins: Sequence[Texts]) -> tuple[np.ndarray, np.ndarray]:
    """Which of these touchpoints say again what another says, and on what each is: one that doesn't know may learn it
    from the visit that it led to."""
    dropped = np.zeros(len(place), bool)
    device = hits.device[place].copy()
    profile, time = hits.profile[place], hits.time[place]
    near = np.zeros(len(place) + 1, bool)
    near[1:-1] = (profile[1:] == profile[:-1]) & (time[1:] - time[:-1] <= GAP)
    close = np.flatnonzero(near[:-1] | near[1:])
    rows = zip(
        close.tolist(), near[close].tolist(), time[close].tolist(), kind[place[close]].tolist(),
        hits.origin[place[close]].tolist(), hits.click[place[close]].tolist(), hits.outright[place[close]].tolist(),
        strict=True,
    )  # fmt: skip
    kept: deque[_Kept] = deque()
    for at, follows, when, what, origin, click, outright in rows:
        if not follows:
            kept.clear()
        while kept and when - kept[0].time > GAP:
            kept.popleft()
        one = _Kept(at, when, what, origin, click, outright)
        same = next((before for before in reversed(kept) if _same(before, one, origins)), None)
        if same is None:
            kept.append(one)
            continue
        dropped[at] = True
        if device[same.at] == Device.UNKNOWN and what != Touch.VIEW:
            device[same.at] = device[at]
    return dropped, device


@dataclass(frozen=True, slots=True)
class _Kept:
    at: int
    time: int
    kind: int
    origin: int
    click: int
    outright: bool


def _same(before: _Kept, one: _Kept, origins: Sequence[Texts]) -> bool:
    """Whether a touchpoint is the same as one that was kept at most half an hour before."""
    if one.outright or one.kind in (Touch.VIEW, Touch.OFFLINE):
        return before.kind == one.kind and before.origin == one.origin
    if before.kind != Touch.CLICK:
        return False
    said = origins[one.origin]
    return (
        before.origin == one.origin
        or said.direct
        or (one.click > 0 and one.click == before.click)
        or (said.campaign_name != "" and said.campaign_name == origins[before.origin].campaign_name)
    )
