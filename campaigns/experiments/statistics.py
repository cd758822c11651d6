"""What two random groups say: differences with their intervals, whether the split was as planned, what could be seen at all.

Pure; no database. All intervals are of 95 %. Methods and their sources: docs/experiments.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from scipy import special

Z = 1.959963984540054  # two-sided 95 %
Z_POWER = 0.8416212335729143  # found in 80 % of such tests
UNLIKELY = 0.001  # a split as odd as this by chance is one test in a thousand
FEW = 10  # conversions, or people without one; below it Wald's interval isn't to be trusted


@dataclass(frozen=True)
class Tally:
    """A group: how many people, how many of them converted, the sum of their values and of the values' squares."""

    people: int = 0
    converted: int = 0
    total: Decimal = Decimal(0)
    squares: Decimal = Decimal(0)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.people + other.people,
            self.converted + other.converted,
            self.total + other.total,
            self.squares + other.squares,
        )

    @property
    def rate(self) -> float:
        """Share of people who converted; 0 of nobody."""
        return self.converted / self.people if self.people else 0.0

    @property
    def mean(self) -> float:
        """Value per person, whether or not they converted; 0 of nobody."""
        return float(self.total / self.people) if self.people else 0.0

    @property
    def variance(self) -> float:
        """Of the value per person, n - 1 in the denominator. Exact until it is rounded: the sums are decimals."""
        if self.people < 2:
            return 0.0
        return max(float((self.squares - self.total * self.total / self.people) / (self.people - 1)), 0.0)

    @property
    def few(self) -> bool:
        """Whether there are too few conversions, or too few people without one, for an interval to be trusted."""
        return min(self.converted, self.people - self.converted) < FEW


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    estimate: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0

    def times(self, factor: float) -> "Interval":
        """For a factor that isn't negative."""
        return Interval(self.estimate * factor, self.low * factor, self.high * factor)


def _around(estimate: float, half: float) -> Interval:
    return Interval(estimate, estimate - half, estimate + half)


def rate_difference(treated: Tally, control: Tally) -> Interval | None:
    """Difference of the shares who converted (0.01 is one point), by Wald; None where a group has nobody."""
    if not treated.people or not control.people:
        return None
    variance = sum(one.rate * (1 - one.rate) / one.people for one in (treated, control))
    return _around(treated.rate - control.rate, Z * math.sqrt(variance))


def value_difference(treated: Tally, control: Tally) -> Interval | None:
    """Difference of the values per person, by Welch's t; None where a group has fewer than two people."""
    if min(treated.people, control.people) < 2:
        return None
    parts = [one.variance / one.people for one in (treated, control)]
    variance = sum(parts)
    if not variance:
        return _around(treated.mean - control.mean, 0.0)
    freedom = variance**2 / sum(part**2 / (one.people - 1) for part, one in zip(parts, (treated, control), strict=True))
    return _around(treated.mean - control.mean, float(special.stdtrit(freedom, 0.975)) * math.sqrt(variance))


def share_added(treated: Tally, control: Tally) -> Interval | None:
    """Of the treated people's conversions the share that there wouldn't have been otherwise: 1 - control's rate / theirs,
    with Katz's interval (on the logarithm). Below 0 where fewer converted. None where nobody did in a group."""
    if not treated.converted or not control.converted:
        return None
    variance = sum(1 / one.converted - 1 / one.people for one in (treated, control))
    log = math.log(control.rate / treated.rate)
    half = Z * math.sqrt(max(variance, 0.0))
    return Interval(1 - math.exp(log), 1 - math.exp(log + half), 1 - math.exp(log - half))


def smallest_rate(treated: int, control: Tally) -> float | None:
    """The smallest difference of shares above the control's that such groups would show in 4 tests of 5 (80 % power, 5 %
    two-sided), if the control's rate is the true one without treatment.

    d = (z + z') √(p₁(1−p₁)/n₁ + p₀(1−p₀)/n₀) with p₁ = p₀ + d, solved for d.
    """
    if not treated or not control.people:
        return None
    square, rate = (Z + Z_POWER) ** 2, control.rate
    high = 1 + square / treated
    middle = square * (1 - 2 * rate) / treated
    low = square * rate * (1 - rate) * (1 / treated + 1 / control.people)
    return (middle + math.sqrt(middle**2 + 4 * high * low)) / (2 * high)


def smallest_value(treated: int, control: Tally) -> float | None:
    """Likewise for the value per person, with the control's variance in both groups."""
    if not treated or control.people < 2:
        return None
    return (Z + Z_POWER) * math.sqrt(control.variance * (1 / treated + 1 / control.people))


@dataclass(frozen=True)
class Ratio:
    """Whether people were split as planned: `expected` of each group, and how likely a split at least as odd is by chance."""

    expected: tuple[float, ...]
    p: float

    @property
    def odd(self) -> bool:
        return self.p < UNLIKELY


def planned(shares: Sequence[float | None]) -> list[float] | None:
    """What was planned for each arm, adding up to 1: arms without a share of their own have what is left, equally.

    None where that can't be: more than everybody was given away, or nothing is left for those without.
    """
    given = sum(share for share in shares if share is not None)
    open_ = sum(share is None for share in shares)
    if any(share is not None and share <= 0 for share in shares) or (open_ and given >= 1):
        return None
    if not open_:
        # Sent as whole numbers or percentages, shares are proportions.
        return [share / given for share in shares if share is not None] if given else None
    return [(1 - given) / open_ if share is None else share for share in shares]


def sample_ratio(people: Sequence[int], shares: Sequence[float]) -> Ratio | None:
    """Pearson's chi-square of the groups' sizes against the plan; None of nobody, or with less than two groups."""
    total = sum(people)
    if not total or len(people) < 2:
        return None
    expected = tuple(total * share for share in shares)
    square = sum((seen - wanted) ** 2 / wanted for seen, wanted in zip(people, expected, strict=True))
    return Ratio(expected, float(special.chdtrc(len(people) - 1, square)))
