"""The people behind a number: whoever made up what was clicked, by the same filters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from campaigns.attribution.filters import Filters

PAGE = 50


@dataclass(frozen=True)
class Which:
    """What was clicked. Everything that is given must hold; nothing given: all journeys of the filters.

    `channel`, `campaign`: ids (0 for 'Unassigned' / touches without a campaign). `model`: with a channel or campaign, only
    journeys of which this model gives it something (first, last …). `converted`: only conversions (True), or only
    journeys without (False). `untouched`: conversions without any touchpoint. `alone`, `view_through`: as in
    `numbers.Row`. `path`: channel ids, as `paths.Path.steps`. `touches`, `days`: (low, high or None) of a bar. `new`:
    the person's first conversion. `bucket`: first day of a bucket of the table's line. `first`: people whose first
    touchpoint ever was of this channel (a cohort), `month`: in this month (2026-11).
    """

    channel: int | None = None
    campaign: int | None = None
    model: str | None = None
    converted: bool | None = None
    untouched: bool = False
    alone: bool = False
    view_through: bool = False
    path: tuple[int, ...] | None = None
    touches: tuple[int, int | None] | None = None
    days: tuple[int, int | None] | None = None
    new: bool = False
    bucket: str | None = None
    first: int | None = None
    month: str | None = None

    def query(self) -> dict[str, str]:
        """For an address, to be put behind the filters'."""
        raise NotImplementedError

    def sentence(self) -> str:
        """'Conversions in whose journeys Display is': the heading of the list, without the filters."""
        raise NotImplementedError


def which(query: Mapping[str, str]) -> Which:
    """What an address asks for; what can't be read is left out."""
    raise NotImplementedError


@dataclass(frozen=True)
class Found:
    """A person, with their latest journey that matches."""

    id: int
    title: str  # name, e-mail, or 'Visitor 123456'
    journeys: int
    conversions: int
    value: float
    at: datetime  # of the latest journey's conversion, or last touch
    steps: tuple[tuple[str, int], ...]  # (channel, hue) of the latest journey's touches in order


@dataclass(frozen=True)
class People:
    """A page of them, who came last first. `journeys` and `conversions` are in all: they equal the number clicked."""

    people: tuple[Found, ...]
    total: int  # people
    journeys: int
    conversions: int
    value: float
    currency: str
    following: str | None  # give it as `after` for the next page


def people(filters: Filters, what: Which, after: str = "", most: int = PAGE) -> People:
    """Cost: a pass over the filters' journeys, then a page's people by their keys."""
    raise NotImplementedError


def profile_ids(filters: Filters, what: Which) -> list[int]:
    """All of them, sorted: for an export or a segment by list."""
    raise NotImplementedError
