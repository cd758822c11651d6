"""Touchpoints and journeys of one person in plain Python, by the words of docs/journeys.md: what the columns must equal."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from campaigns.attribution.origins import Texts
from campaigns.attribution.touches import HIT
from campaigns.attribution.values import Touch

MINUTE = 60_000_000


@dataclass(frozen=True)
class Hit:
    """An event that tells of a touchpoint; times in microseconds."""

    time: int
    id: int
    kind: int
    origin: Texts
    click: str = ""
    sign: str = ""
    device: int = 0
    outright: bool = False


@dataclass
class Buy:
    """A conversion."""

    time: int
    id: int
    whole: bool = False


@dataclass
class Way:
    """A journey: of a conversion, or where that is None of touchpoints alone."""

    conversion: Buy | None
    touches: list[Hit] = field(default_factory=list)
    new: bool = False


def touches(hits: Sequence[Hit]) -> list[Hit]:
    """Sessions and events of their own, each once."""
    found: list[Hit] = []
    session, last = None, None
    for hit in sorted(hits, key=lambda one: (one.time, one.id)):
        if hit.kind != HIT:
            found.append(hit)
            continue
        # A session's sign is that of the hit that began it, or '' when it said nothing.
        if session is None or last is None or hit.time - last > 30 * MINUTE or (hit.sign and hit.sign != session):
            session = hit.sign
            found.append(replace(hit, kind=Touch.CLICK if hit.sign else Touch.VISIT))
        last = hit.time
    kept: list[Hit] = []
    for touch in found:
        near = [one for one in kept if touch.time - one.time <= 30 * MINUTE]
        same = [one for one in near if again(one, touch)]
        if same:
            teller = same[-1]
            if teller.device == 0 and touch.kind != Touch.VIEW:
                kept[kept.index(teller)] = replace(teller, device=touch.device)
        else:
            kept.append(touch)
    return kept


def again(before: Hit, touch: Hit) -> bool:
    """Whether a touchpoint says again what one of the half hour before said."""
    if touch.outright or touch.kind in (Touch.VIEW, Touch.OFFLINE):
        return before.kind == touch.kind and before.origin == touch.origin
    if before.kind != Touch.CLICK:
        return False
    return (
        before.origin == touch.origin
        or not any(touch.origin[1:])
        or (touch.click != "" and touch.click == before.click)
        or (touch.origin.campaign_name != "" and touch.origin.campaign_name == before.origin.campaign_name)
    )


def journeys(touched: Sequence[Hit], conversions: Sequence[Buy], lookback: int) -> list[Way]:
    """Each conversion takes what is left of the lookback before it; the rest is split by gaps."""
    left = sorted(touched, key=lambda one: (one.time, one.id))
    ways = []
    first = True
    for buy in sorted(conversions, key=lambda one: (one.time, one.id)):
        mine = [one for one in left if buy.time - lookback < one.time <= buy.time]
        left = [one for one in left if one not in mine]
        ways.append(Way(buy, mine, new=first and not buy.whole))
        first = first and buy.whole
    before = None
    for touch in left:
        if before is None or touch.time - before.time > lookback:
            ways.append(Way(None))
        ways[-1].touches.append(touch)
        before = touch
    return ways
