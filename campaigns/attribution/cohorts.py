"""People by the channel that brought them first, and what they have been worth since: lifetime value by cohort."""

from dataclasses import dataclass
from datetime import date

from campaigns.attribution.filters import Filters


@dataclass(frozen=True)
class Cohort:
    """People whose first known touchpoint was of this channel, in this month (None: all months of the filters).

    `people`: how many; `buyers`: how many of them have converted so far. `values[k]`: value per person up to the end of
    the k-th month after their first (0 is the month itself), in the goal's currency; None where not all of them have
    lived that long. `value`: in all so far, per person.
    """

    id: int | None  # channel; None for people whose first conversion has no touchpoint
    name: str
    hue: int
    month: date | None
    people: int
    buyers: int
    orders: int
    value: float
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Cohorts:
    """`channels`: one a channel, over all months; `months`: one a channel and month, by channel then month."""

    filters: Filters
    channels: tuple[Cohort, ...]
    months: tuple[Cohort, ...]
    horizon: int  # how many months `values` has
    currency: str
    waiting: int


def cohorts(filters: Filters) -> Cohorts:
    """People whose first touch is within the filters' days; what they did later counts whenever it was. The other filters
    choose people (segment) or first journeys (device), `buyers` doesn't matter. Cost: a pass over all days of the goal."""
    raise NotImplementedError
