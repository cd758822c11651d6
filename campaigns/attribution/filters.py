"""What a dashboard is asked about: a goal, some days, some people. Values from a query string and back, and masks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from urllib.parse import urlencode

import numpy as np

from campaigns.attribution.values import Device, Journeys

USUAL_DAYS = 90  # where nobody said which
MOST_DAYS = 3 * 366


class Buyers(StrEnum):
    """Whose journeys: `new` are those before which (or by which) the person had not converted."""

    ALL = "all"
    NEW = "new"
    RETURNING = "returning"


@dataclass(frozen=True)
class Filters:
    """A question. `since` and `until` are days of the company's time zone, both included, of the conversion (or of the
    last touchpoint where there is none). `segment`: only people who are in it now. `devices`: none for any. `views`:
    things that were only seen count as touchpoints, too. Hashable: results are kept by it."""

    goal: int
    since: date
    until: date
    segment: int | None = None
    buyers: Buyers = Buyers.ALL
    devices: frozenset[Device] = frozenset()
    views: bool = False

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    def before(self) -> "Filters":
        """The same question about as many days before, to compare with."""
        raise NotImplementedError

    def query(self, **more: str) -> str:
        """As a query string (goal=…&since=…), only what isn't usual; `more` is put behind it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Asked:
    """What was read from an address: the filters, and what in it couldn't be used, as sentences."""

    filters: Filters
    problems: tuple[str, ...] = ()


def read(query: Mapping[str, str], goals: Sequence[int], today: date, devices: Sequence[str] = ()) -> Asked:
    """Filters from an address' query: goal, since, until (or days=30), segment, buyers, device (may be there several
    times: `devices` has all of them), views=1. What can't be used is left out and said. Raises `ValueError` without goals.
    """
    raise NotImplementedError


def mask(journeys: Journeys, filters: Filters, members: np.ndarray | None) -> np.ndarray:
    """Which journeys pass. `members`: sorted ids of the segment's people, None where none was asked for."""
    raise NotImplementedError
