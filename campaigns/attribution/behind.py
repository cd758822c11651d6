"""The people behind a number: whoever made up what was clicked, by the same filters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from campaigns.attribution import cohorts, load
from campaigns.attribution.filters import Buyers, Filters
from campaigns.attribution.load import Question
from campaigns.attribution.values import MILLIONTH, Touch
from campaigns.attribution.which import Which, which
from campaigns.models import Goal
from cdp_site import asked, sql
from profiles.called import names_of

__all__ = ["PAGE", "Found", "People", "Which", "people", "profile_ids", "which"]

PAGE = 50
_MOST_STEPS = 30  # of a journey that are shown
_TOGETHER = 100_000  # journeys that wait to be put to their people


@dataclass(frozen=True)
class Found:
    """A person, with their latest journey that matches."""

    id: int
    title: str  # name, e-mail, or 'Visitor 123456'
    journeys: int
    conversions: int
    value: float
    at: datetime  # of the latest journey's conversion, or last touch; UTC, to the second
    converted: bool  # whether the latest journey was
    steps: tuple[
        tuple[str, int], ...
    ]  # (channel, hue) of the latest journey's touches in order; the last `_MOST_STEPS`


@dataclass(frozen=True)
class People:
    """A page of them, who came last first. `journeys` and `conversions` are in all: one of them equals the number clicked."""

    people: tuple[Found, ...]
    total: int  # people
    journeys: int
    conversions: int
    value: float
    currency: str
    following: str | None  # give it as `after` for the next page


@dataclass(frozen=True)
class _Matching:
    """Each person once, in the order of their ids: sums over their journeys that match, and the latest's moment (seconds)."""

    people: np.ndarray
    journeys: np.ndarray
    conversions: np.ndarray
    value: np.ndarray
    latest: np.ndarray

    @property
    def nbytes(self) -> int:
        return 28 * len(self.people) + 500


def people(filters: Filters, what: Which, after: str = "", most: int = PAGE) -> People:
    """Cost: a pass over the filters' journeys (kept for the next page), then a page's people by their keys."""
    question, found = _matching(filters, what)
    order = np.lexsort((found.people, ~found.latest))
    if after:
        at, number = _cursor(after)
        order = order[(found.latest[order] < at) | ((found.latest[order] == at) & (found.people[order] > number))]
    page = order[:most]
    following = f"{found.latest[page[-1]]},{found.people[page[-1]]}" if len(order) > most else None
    currency = Goal.objects.values_list("currency", flat=True).get(pk=filters.goal)
    return People(
        _told(question, found, page), len(found.people), int(found.journeys.sum()), int(found.conversions.sum()),
        int(found.value.sum()) / MILLIONTH, currency, following,
    )  # fmt: skip


def profile_ids(filters: Filters, what: Which) -> list[int]:
    """All of them, sorted: for an export or a segment by list."""
    found: list[int] = _matching(filters, what)[1].people.tolist()
    return found


def _cursor(after: str) -> tuple[int, int]:
    at, _, id = after.partition(",")
    moment, number = asked.whole(at), asked.whole(id)
    return (2**62, 0) if moment is None or number is None else (moment, number)


def _matching(filters: Filters, what: Which) -> tuple[Question, _Matching]:
    cohort = None
    if what.first is not None:
        month = None if what.month is None else datetime.fromisoformat(what.month + "-01").date()
        cohort = cohorts.whose(filters, None if what.first == -1 else what.first, month)
        # Of a cohort everything counts, whenever and on whatever it was.
        filters = replace(cohorts.ever(filters), buyers=Buyers.ALL)
    question = load.ask(filters)
    key = ("behind", what, None if cohort is None else hash(cohort.tobytes()))
    return question, question.answered(key, lambda: _matched(question, what, cohort))


def _matched(question: Question, what: Which, cohort: np.ndarray | None) -> _Matching:
    found = _Matching(*(np.zeros(0, kind) for kind in _KINDS))
    waiting: list[_Matching] = []
    for journeys in question.parts():
        chosen = np.flatnonzero(what.mask(question, journeys, cohort))
        moment = journeys.time[chosen] // 1_000_000
        columns = (
            journeys.profile[chosen],
            np.ones(len(chosen)),
            journeys.converted[chosen],
            journeys.value[chosen],
            moment,
        )
        waiting.append(_Matching(*(column.astype(kind) for column, kind in zip(columns, _KINDS, strict=True))))
        if sum(len(one.people) for one in waiting) > _TOGETHER:
            found, waiting = _joined([found, *waiting]), []
    return _joined([found, *waiting])


_KINDS = (np.int64, np.int32, np.int32, np.int64, np.uint32)


def _joined(parts: Sequence[_Matching]) -> _Matching:
    """Each person once. Cost: a sort of what is mostly sorted. A column at a time: they may be long."""
    people = np.concatenate([part.people for part in parts])
    if not len(people):
        return parts[0]
    order = np.argsort(people, kind="stable")
    people = people[order]
    begins = np.flatnonzero(np.concatenate([[True], people[1:] != people[:-1]]))

    def put_together(name: str, how: np.ufunc) -> np.ndarray:
        found: np.ndarray = how.reduceat(np.concatenate([getattr(part, name) for part in parts])[order], begins)
        return found

    return _Matching(
        people[begins], put_together("journeys", np.add), put_together("conversions", np.add),
        put_together("value", np.add), put_together("latest", np.maximum),
    )  # fmt: skip


# The latest journeys of a page's people. By the people first: their journeys are few.
_LATEST = """
SELECT profile_id, time, converted, origins, kinds FROM journey
JOIN unnest(%(people)s::bigint[], %(times)s::timestamptz[]) AS asked (whom, at)
  ON profile_id = whom AND time >= at AND time < at + interval '1 second'
WHERE goal_id = %(goal)s ORDER BY profile_id, time, id
"""


def _told(question: Question, found: _Matching, page: Sequence[int] | np.ndarray) -> tuple[Found, ...]:
    ids, seconds = found.people[page].tolist(), found.latest[page].tolist()
    times = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second) for second in seconds]
    asked_for = {"people": ids, "times": times, "goal": question.filters.goal}
    latest = {id: rest for id, *rest in sql.rows(_LATEST, asked_for)} if ids else {}
    names = names_of(ids)
    answer = []
    for place, id, at in zip(page, ids, times, strict=True):
        # Whoever has become one with somebody in this moment has no journey any more.
        _, converted, origins, kinds = latest.get(id, [at, False, [], []])
        steps = _steps(question, origins, kinds)
        answer.append(
            Found(
                id, names[id], int(found.journeys[place]), int(found.conversions[place]),
                int(found.value[place]) / MILLIONTH, at, converted, steps,
            )
        )  # fmt: skip
    return tuple(answer)


def _steps(question: Question, origins: list[int], kinds: list[int]) -> tuple[tuple[str, int], ...]:
    names = question.directory
    counting = [
        origin
        for origin, kind in zip(origins, kinds, strict=True)
        if question.filters.views or kind != Touch.VIEW
    ]  # fmt: skip
    last = len(names.channel_of) - 1
    channels = [names.channels[names.channel_of[min(origin, last)]] for origin in counting[-_MOST_STEPS:]]
    return tuple((one.name, one.hue) for one in channels)
