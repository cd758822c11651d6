"""People by the channel that brought them first, and what they have been worth since: lifetime value by cohort."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np
from django.conf import settings
from django.utils import timezone

from campaigns.attribution import load
from campaigns.attribution.filters import Buyers, Filters
from campaigns.attribution.load import EPOCH, Question
from campaigns.attribution.values import MILLIONTH, Journeys
from campaigns.models import Goal
from segments.calendar import local_days

HORIZON = 12  # months after the first one
NOBODY = "No touchpoint known"


@dataclass(frozen=True)
class Cohort:
    """People whose first known touchpoint was of this channel, in this month (None: all months of the filters).

    `people`: how many; `buyers`: how many of them have converted so far; `orders`: how often. `values[k]`: value per person
    up to the end of the k-th month after their first (0 is the month itself), in the goal's currency, over those of them for
    whom that month is over; None where it is for nobody. `value`: in all so far, per person.
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
    """`channels`: one a channel, over all months, the greatest first; `months`: one a channel and month, by channel in
    that order, then month."""

    filters: Filters
    channels: tuple[Cohort, ...]
    months: tuple[Cohort, ...]
    horizon: int  # how many months `values` has
    currency: str
    waiting: int
    nbytes: ClassVar[int] = 60_000


def cohorts(filters: Filters) -> Cohorts:
    """People whose first touch is within the filters' days; what they did later counts whenever it was. Segment and devices
    choose among them (the device of their first journey); `buyers` doesn't matter. Cost: a pass over all days of the goal up
    to today."""
    question = load.ask(ever(filters))
    today = timezone.localdate()
    currency = Goal.objects.values_list("currency", flat=True).get(pk=filters.goal)
    return question.answered(
        ("cohorts", filters.since, filters.until, filters.devices, today, currency),
        lambda: _cohorts(filters, question, today, currency),
    )


def ever(filters: Filters) -> Filters:
    """The same people's journeys, whenever and on whatever: first ones are found among all."""
    return Filters(filters.goal, EPOCH, date(2200, 1, 1), filters.segment, Buyers.ALL, frozenset(), filters.views)


@dataclass
class _Firsts:
    """People in the order of their ids, with the cohort of each (-1 where the filters don't ask for it), and whether they
    have converted."""

    people: np.ndarray
    cohort: np.ndarray
    bought: np.ndarray

    @classmethod
    def nobody(cls) -> "_Firsts":
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, bool))

    def place(self, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where they are, and whether they are there."""
        place = np.searchsorted(self.people, people)
        there = np.zeros(len(people), bool)
        inside = place < len(self.people)
        there[inside] = self.people[place[inside]] == people[inside]
        return place, there

    def add(self, people: np.ndarray, cohort: np.ndarray) -> None:
        into = np.searchsorted(self.people, people)
        self.people, self.cohort = np.insert(self.people, into, people), np.insert(self.cohort, into, cohort)
        self.bought = np.insert(self.bought, into, False)


@dataclass(frozen=True)
class Layout:
    """Cohorts as numbers: month x (places + 1) + place, the last place for no touchpoint; months from that of `since` on."""

    filters: Filters
    places: int

    @property
    def first_month(self) -> int:
        return _month(self.filters.since)

    @property
    def months(self) -> int:
        return _month(self.filters.until) - self.first_month + 1

    @property
    def size(self) -> int:
        return self.months * (self.places + 1)

    def of(self, days: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Of first days (since 1970) and channels; -1 for days that aren't asked for."""
        first, last = (self.filters.since - EPOCH).days, (self.filters.until - EPOCH).days
        month = _months(days) - self.first_month
        return np.where((days >= first) & (days <= last), month * (self.places + 1) + places, -1)


def _month(day: date) -> int:
    return (day.year - 1970) * 12 + day.month - 1


def _months(days: np.ndarray) -> np.ndarray:
    """Months since 1970 of days since 1970."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def first_ones(filters: Filters, question: Question) -> tuple[np.ndarray, np.ndarray, Layout]:
    """People (sorted) and the cohort of each. `question`: of all days (`ever`). Cost: a pass over them."""
    layout = Layout(filters, len(question.directory.channels))
    firsts = _Firsts.nobody()
    for part in question.parts():
        _meet(firsts, layout, _needed(question, part))
    return firsts.people, firsts.cohort, layout


def whose(filters: Filters, channel: int | None, month: date | None) -> np.ndarray:
    """Sorted ids of the people of a cohort (`channel` None: no touchpoint known; `month` None: all)."""
    question = load.ask(ever(filters))
    people, cohort, layout = first_ones(filters, question)
    place = layout.places if channel is None else question.directory.place(channel)
    if place is None:
        return people[:0]
    chosen = (cohort >= 0) & (cohort % (layout.places + 1) == place)
    if month is not None:
        chosen &= cohort // (layout.places + 1) == _month(month) - layout.first_month
    return people[chosen]


def _needed(question: Question, part: Journeys) -> Journeys:
    return question.counted(load.lean(part, "profile", "time", "device"))


def _meet(firsts: _Firsts, layout: Layout, journeys: Journeys) -> tuple[np.ndarray, np.ndarray]:
    """Take up who comes for the first time; returns the conversions of this part and their people's places."""
    _, known = firsts.place(journeys.profile)
    touched = journeys.lengths > 0
    # What was only seen, where that doesn't count, and led nowhere, begins nothing.
    fresh = np.flatnonzero(~known & (touched | journeys.converted))
    order = fresh[np.lexsort((journeys.time[fresh], journeys.profile[fresh]))]
    people = journeys.profile[order]
    begins = order[np.concatenate([[True], people[1:] != people[:-1]])] if len(order) else order
    # Where a journey has touches its first one says when; else the conversion.
    when, place = journeys.time[begins].copy(), np.full(len(begins), layout.places)
    some = touched[begins]
    first = journeys.starts[:-1][begins[some]]
    when[some] -= journeys.age[first].astype(np.int64) * 1_000_000
    place[some] = journeys.channel[first]
    cohort = layout.of(local_days(when, settings.TIME_ZONE), place)
    if layout.filters.devices:
        chosen = np.isin(journeys.device[begins], [int(device) for device in layout.filters.devices])
        cohort = np.where(chosen, cohort, -1)
    firsts.add(journeys.profile[begins], cohort.astype(np.int32))
    bought = np.flatnonzero(journeys.converted)
    return bought, firsts.place(journeys.profile[bought])[0]


def _cohorts(filters: Filters, question: Question, today: date, currency: str) -> Cohorts:
    layout = Layout(filters, len(question.directory.channels))
    firsts = _Firsts.nobody()
    value = np.zeros((layout.size, HORIZON + 2), np.int64)  # by months since the first; the last is for later ones
    orders = np.zeros(layout.size, np.int64)
    for part in question.parts():
        journeys = _needed(question, part)
        bought, place = _meet(firsts, layout, journeys)
        firsts.bought[place] = True
        cohort = firsts.cohort[place]
        bought, cohort = bought[cohort >= 0], cohort[cohort >= 0]
        since = _months(journeys.day[bought]) - layout.first_month - cohort // (layout.places + 1)
        np.add.at(value, (cohort, np.clip(since, 0, HORIZON + 1)), journeys.value[bought])
        orders += np.bincount(cohort, minlength=layout.size)
    asked = firsts.cohort >= 0
    people = np.bincount(firsts.cohort[asked], minlength=layout.size)
    bought_once = np.bincount(firsts.cohort[asked & firsts.bought], minlength=layout.size)
    shaped = layout.months, layout.places + 1
    table = _Table(
        question, layout, _month(today), people.reshape(shaped), bought_once.reshape(shaped), orders.reshape(shaped),
        value.reshape(*shaped, HORIZON + 2),
    )  # fmt: skip
    return table.told(filters, currency)


@dataclass(frozen=True)
class _Table:
    """By month of the filters and place."""

    question: Question
    layout: Layout
    now: int  # month
    people: np.ndarray
    buyers: np.ndarray
    orders: np.ndarray
    value: np.ndarray

    def told(self, filters: Filters, currency: str) -> Cohorts:
        everybody = self.people.sum(axis=0)
        places = [place for place in np.argsort(-everybody, kind="stable").tolist() if everybody[place]]
        everything = range(self.layout.months)
        return Cohorts(
            filters,
            tuple(self._cohort(place, list(everything), None) for place in places),
            tuple(
                self._cohort(place, [month], self._first_day(month))
                for place in places
                for month in everything
                if self.people[month, place]
            ),
            HORIZON + 1, currency, self.question.waiting,
        )  # fmt: skip

    def _first_day(self, month: int) -> date:
        year, of_year = divmod(self.layout.first_month + month, 12)
        return date(1970 + year, of_year + 1, 1)

    def _cohort(self, place: int, months: list[int], month: date | None) -> Cohort:
        people = int(self.people[months, place].sum())
        named = place < self.layout.places
        one = self.question.directory.channels[place] if named else None
        return Cohort(
            one.id if one else None, one.name if one else NOBODY, one.hue if one else 0, month, people,
            int(self.buyers[months, place].sum()), int(self.orders[months, place].sum()),
            int(self.value[months, place].sum()) / MILLIONTH / max(people, 1),
            self._by_month(place, months),
        )  # fmt: skip

    def _by_month(self, place: int, months: list[int]) -> tuple[float | None, ...]:
        """Value per person up to the end of each later month, of those for whom it is over."""
        later = np.arange(HORIZON + 1)
        over = self.layout.first_month + np.array(months)[:, None] + later < self.now
        people = self.people[months, place] @ over
        value = (np.cumsum(self.value[months, place, : HORIZON + 1], axis=1) * over).sum(axis=0) / MILLIONTH
        return tuple(float(some / one) if one else None for some, one in zip(value, people, strict=True))
