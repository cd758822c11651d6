"""Every kind of condition means what plain Python says it means: for random rules, people, ways to load them, and clocks."""

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any as Anything
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings as django_settings
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from segments.evaluate import NEVER, evaluate, next_change
from segments.load import Chunk, Columns, load, moment_of
from segments.ranking import rank, tops
from segments.require import require
from segments.rules import Known, Rule, Top
from tests.segments import questions
from tests.segments.meaning import Person, Thresholds, holds, threshold
from tests.segments.world import NOW, make_all_months, store

# More for a soak: CASES=1000.
CASES = int(os.environ.get("CASES", "40"))
HOUR = timedelta(hours=1)
ahead = st.integers(-24, 24).map(lambda hours: NOW + hours * HOUR) | st.integers(-(10**9), 10**9).map(
    lambda micros: NOW + timedelta(microseconds=micros)
)


def _ranked(rules: Sequence[Rule], people: Sequence[Person]) -> Thresholds:
    asked: list[Top] = [top for rule in rules for top in tops(rule).values()]
    return {top: threshold(top, people, NOW) for top in asked}


def _loaded(rules: Sequence[Rule], people: Sequence[Person]) -> list[Columns]:
    """By both ways: a chunk of everybody, and people who are listed (with one who isn't there). Then with times before."""
    needed = require(*rules)
    ids = np.array([1, *sorted(one.id for one in people)])
    found = [load(needed, Chunk(), NOW), load(needed, ids, NOW), load(needed, Chunk(), NOW, back=30 * 86_400)]
    thresholds = rank([top for rule in rules for top in tops(rule).values()], NOW)
    for columns in found:
        columns.thresholds = thresholds
    return found


class Meaning(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_all_months()

    def _check(self, rules: Sequence[Rule], people: Sequence[Person], *at: Anything) -> None:
        store(people)
        thresholds = _ranked(rules, people)
        chunk, listed, before = _loaded(rules, people)
        for rule in rules:
            for columns, moments in ((chunk, [NOW]), (listed, [NOW]), (before, at)):
                for now in moments:
                    expected = {one.id for one in people if holds(rule, one, now, thresholds)}
                    assert set(evaluate(rule, columns, now).members.tolist()) == expected

    @settings(max_examples=CASES)
    @given(st.lists(questions.asked, min_size=1, max_size=4), questions.people, st.lists(ahead, max_size=2))
    def test_an_answer_is_what_plain_python_says(
        self, rules: list[Rule], people: list[Person], at: list[Anything]
    ) -> None:
        self._check(rules, people, *at)

    @settings(max_examples=CASES)
    @given(questions.rules, questions.people)
    def test_time_turns_an_answer_when_it_does_for_whoever_looks_every_hour(
        self, rule: Rule, people: list[Person]
    ) -> None:
        store(people)
        thresholds = _ranked([rule], people)
        columns = _loaded([rule], people)[0]
        turns = dict(zip(columns.people.tolist(), next_change(rule, columns, NOW), strict=True))
        for one in people:
            here = holds(rule, one, NOW, thresholds)
            found = turns[one.id]
            turned = next(
                (hours for hours in range(1, 24 * 12) if holds(rule, one, NOW + hours * HOUR, thresholds) != here),
                None,
            )
            assert (None if found == NEVER else moment_of(found)) == (turned and NOW + turned * HOUR)

    @settings(max_examples=max(CASES // 4, 20))
    @given(
        questions.rules_of(questions.birthday_rules, questions.LEAVES[Known]),
        st.sampled_from(["1990-06-15", "1990-06-14", "2000-02-29", "1999-03-01", "2001-12-31T23:30:00Z", "June"]),
    )
    def test_birthdays_turn_an_answer_when_they_do_for_whoever_looks_at_midnight(
        self, rule: Rule, birthday: str
    ) -> None:
        one = Person({"birthday": birthday})
        store([one])
        turn = next_change(rule, load(require(rule), Chunk(), NOW), NOW)[0]
        zone = ZoneInfo(django_settings.TIME_ZONE)
        today = NOW.astimezone(zone).replace(hour=0, minute=0)
        midnights = [today + timedelta(days=number) for number in range(1, 1_000)]
        here = holds(rule, one, NOW)
        turned = next((midnight for midnight in midnights if holds(rule, one, midnight) != here), None)
        assert (None if turn == NEVER or moment_of(turn) > midnights[-1] else moment_of(turn)) == turned


def _of_kind(kind: type) -> Anything:
    @settings(max_examples=max(CASES // 4, 20))
    @given(st.lists(questions.LEAVES[kind], min_size=1, max_size=5), questions.people, st.lists(ahead, max_size=1))
    def test(self: Meaning, rules: list[Rule], people: list[Person], at: list[Anything]) -> None:
        self._check(rules, people, *at)

    return test


for _kind in questions.LEAVES:
    setattr(Meaning, f"test_{_kind.__name__.lower()}_is_what_plain_python_says", _of_kind(_kind))
