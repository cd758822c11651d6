"""What a dashboard is asked about: a goal, some days, some people. Values from a query string and back, and masks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlencode

import numpy as np

from campaigns.attribution.values import Device
from cdp_site import asked

USUAL_DAYS = 90  # where nobody said which
MOST_DAYS = 3 * 366
# Up to so many days a line has a point a day, a week; else a month.
_DAILY, _WEEKLY = 45, 400


class Buyers(StrEnum):
    """Whose conversions: the person's first, or later ones. Journeys that led nowhere are in both."""

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

    @property
    def bucket(self) -> str:
        """What a point of a line stands for: 'day', 'week' or 'month'."""
        return "day" if self.days <= _DAILY else "week" if self.days <= _WEEKLY else "month"

    def before(self) -> "Filters":
        """The same question about as many days before, to compare with."""
        return replace(self, since=self.since - timedelta(days=self.days), until=self.since - timedelta(days=1))

    def query(self, **more: str) -> str:
        """As a query string (goal=…&since=…), only what isn't usual; `more` is put behind it."""
        said = [("goal", str(self.goal)), ("since", f"{self.since}"), ("until", f"{self.until}")]
        if self.segment is not None:
            said.append(("segment", str(self.segment)))
        if self.buyers is not Buyers.ALL:
            said.append(("buyers", self.buyers.value))
        said += [("device", device.name.lower()) for device in sorted(self.devices)]
        if self.views:
            said.append(("views", "1"))
        return urlencode([*said, *more.items()])


@dataclass(frozen=True)
class Asked:
    """What was read from an address: the filters, and what in it couldn't be used, as sentences."""

    filters: Filters
    problems: tuple[str, ...] = ()


def read(query: Mapping[str, str], goals: Sequence[int], today: date, devices: Sequence[str] = ()) -> Asked:
    """Filters from an address' query: goal, since, until (or days=30), segment, buyers, device (may be there several
    times: `devices` has all of them), views=1. What can't be used is left out and said. Raises `ValueError` without goals.
    """
    if not goals:
        raise ValueError("there is no goal to ask about")
    problems: list[str] = []
    goal = _number(query, "goal", problems)
    if goal is not None and goal not in goals:
        problems.append("That goal isn't there any more; this is the first one.")
        goal = None
    since, until = _days(query, today, problems)
    buyers = query.get("buyers", "")
    if buyers and buyers not in [one.value for one in Buyers]:
        problems.append(f"“{asked.words(buyers)}” is neither new nor returning customers.")
        buyers = ""
    chosen = set()
    for name in devices or ([query["device"]] if query.get("device") else []):
        if name.upper() in Device.__members__:
            chosen.add(Device[name.upper()])
        elif name:
            problems.append(f"“{asked.words(name)}” is no device that is told apart.")
    return Asked(
        Filters(
            goals[0] if goal is None else goal, since, until, _number(query, "segment", problems),
            Buyers(buyers or "all"), frozenset(chosen), query.get("views", "") in ("1", "on", "true"),
        ),
        tuple(problems),
    )  # fmt: skip


def _days(query: Mapping[str, str], today: date, problems: list[str]) -> tuple[date, date]:
    until = _day(query, "until", problems) or today
    usual = min(_number(query, "days", problems) or USUAL_DAYS, MOST_DAYS)
    try:
        since = _day(query, "since", problems) or until - timedelta(days=usual - 1)
    except OverflowError:
        since = until
    if since > until:
        problems.append("The first day is after the last: they were taken the other way round.")
        since, until = until, since
    if (until - since).days >= MOST_DAYS:
        problems.append(f"At most {MOST_DAYS:,} days at once: these are the latest of them.")
        since = until - timedelta(days=MOST_DAYS - 1)
    return since, until


def _day(query: Mapping[str, str], name: str, problems: list[str]) -> date | None:
    text = asked.words(query.get(name, ""))
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        problems.append(f"“{text}” isn't a day such as 2026-11-27.")
        return None
    # Far enough from the ends of the calendar to reckon with.
    return min(max(found, date(1971, 1, 1)), date(2200, 1, 1))


def _number(query: Mapping[str, str], name: str, problems: list[str]) -> int | None:
    text = asked.words(query.get(name, ""))
    if not text:
        return None
    number = asked.whole(text)
    if number is None:
        problems.append(
            f"“{text}” isn't the number of a {name}." if name != "days" else f"“{text}” isn't a number of days."
        )
    return number


class Columns(Protocol):
    """What is asked of journeys: packed or loaded ones."""

    @property
    def profile(self) -> np.ndarray: ...
    @property
    def converted(self) -> np.ndarray: ...
    @property
    def new(self) -> np.ndarray: ...
    @property
    def device(self) -> np.ndarray: ...


def mask(journeys: Columns, filters: Filters, members: np.ndarray | None) -> np.ndarray | None:
    """Which journeys pass, but for their days; None when all do. `members`: sorted ids of the segment's people, None
    where none was asked for."""
    passing: np.ndarray | None = None
    if filters.buyers is not Buyers.ALL:
        passing = ~journeys.converted | (journeys.new == (filters.buyers is Buyers.NEW))
    if filters.devices:
        chosen = np.isin(journeys.device, [int(device) for device in filters.devices])
        passing = chosen if passing is None else passing & chosen
    if members is not None:
        inside = within(journeys.profile, members)
        passing = inside if passing is None else passing & inside
    return passing


def within(people: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Which of these ids are among sorted ones."""
    if not len(members):
        return np.zeros(len(people), bool)
    place = np.minimum(np.searchsorted(members, people), len(members) - 1)
    found: np.ndarray = members[place] == people
    return found


def buckets(since: date, until: date, bucket: str) -> list[date]:
    """First days of the buckets that (since, until) fall into; the first may begin before `since`."""
    found = [bucket_of(since, bucket)]
    while True:
        if bucket == "month":
            following = (found[-1].replace(day=28) + timedelta(days=4)).replace(day=1)
        else:
            following = found[-1] + timedelta(days=1 if bucket == "day" else 7)
        if following > until:
            return found
        found.append(following)


def bucket_of(day: date, bucket: str) -> date:
    """First day of the bucket that a day is in; weeks begin on Monday."""
    if bucket == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if bucket == "week" else day
