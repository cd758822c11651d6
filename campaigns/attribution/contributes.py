"""Contributes, or just appears: how often something is met, what the Markov model would miss, what an experiment measured.

By the Markov model, removing a channel costs the conversions whose way leads past it. So its removal effect is close to its
share of the *converting* journeys, for every channel; it says something only beside its share of *all* journeys. Something that
is in 38 % of journeys, and in 2 % of what ends well, just appears. Whether anything was added only an experiment can say.
"""

from dataclasses import dataclass
from enum import StrEnum

# Removal effect as a multiple of presence: from the first on it stands by conversions as much as anywhere, up to the
# second it mostly appears.
AS_MUCH, LITTLE = 0.9, 0.5


class Verdict(StrEnum):
    """What can be said. The first three are an experiment's, the others say where something was met, no more."""

    ADDS = "adds"
    TAKES = "takes"
    NOT_SHOWN = "not shown"
    CONTRIBUTES = "contributes"
    BETWEEN = "between"
    APPEARS = "appears"


@dataclass(frozen=True)
class Measured:
    """What an experiment says: of the conversions of those who got it, the share that was added (1 is all), with its
    95 % interval."""

    experiment: str
    share: float
    low: float
    high: float


def verdict(present: float, lost: float, measured: Measured | None = None) -> Verdict:
    """Of something that is in a share `present` of all journeys, and without which a share `lost` of the conversions would be
    lost by the Markov model (0 to 1). An experiment's word goes before any model's."""
    if measured is not None:
        return Verdict.ADDS if measured.low > 0 else Verdict.TAKES if measured.high < 0 else Verdict.NOT_SHOWN
    if lost >= AS_MUCH * present and lost > 0:
        return Verdict.CONTRIBUTES
    return Verdict.APPEARS if lost <= LITTLE * present else Verdict.BETWEEN


def sentence(name: str, present: float, lost: float, unit: str, measured: Measured | None = None) -> str:
    """'Display is in 38 % of journeys; without it you'd lose 2.0 % of orders, by the Markov model.' and what was measured."""
    if not present:
        return f"{name} is in none of these journeys."
    said = f"{name} is in {percent(present)} of journeys; without it you’d lose {percent(lost)} of {unit}, by the Markov model."
    if measured is None:
        return said
    between = f"between {percent(measured.low)} and {percent(measured.high)}"
    match verdict(present, lost, measured):
        case Verdict.ADDS:
            told = f"added {percent(measured.share)} of the {unit} of those who got it ({between})"
        case Verdict.TAKES:
            told = f"cost {unit}: {percent(-measured.share)} as many as there were (the share added is {between})"
        case _:
            told = f"could not tell what it adds from chance: {between} of the {unit} of those who got it"
    return f"{said} Measured: by “{measured.experiment}” it {told}."


def percent(share: float) -> str:
    """'38 %', '2.1 %', 'less than 0.1 %', '−3.0 %'."""
    if share == 0:
        return "0 %"
    if abs(share) < 0.001:
        return "less than 0.1 %" if share > 0 else "more than −0.1 %"
    digits = f"{abs(share) * 100:.0f}" if abs(share) >= 0.0995 else f"{abs(share) * 100:.1f}"
    return f"{'−' if share < 0 else ''}{digits} %"
