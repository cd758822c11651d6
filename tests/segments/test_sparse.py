"""What is asked of few people, because the others never did anything, is what would be asked of all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from segments.evaluate import evaluate, sparse
from segments.load import Chunk, load
from segments.ranking import rank, tops
from segments.require import require
from segments.rules import Rule
from tests.segments import questions
from tests.segments.meaning import Person
from tests.segments.test_meaning import CASES
from tests.segments.world import NOW, make_all_months, store


class OfFew(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_all_months()

    @settings(max_examples=CASES)
    @given(st.lists(questions.asked, min_size=1, max_size=4), questions.people)
    def test_an_answer_is_the_same_asked_of_few_or_of_all(self, rules: list[Rule], people: list[Person]) -> None:
        store(people)
        columns = load(require(*rules), Chunk(), NOW)
        columns.thresholds = rank([top for rule in rules for top in tops(rule).values()], NOW)
        asked_of_all = [evaluate(rule, columns, NOW).members.tolist() for rule in rules]
        columns.worked.clear()
        with pytest.MonkeyPatch.context() as patch:
            # Everybody is taken for many, and every condition narrows who is asked next.
            patch.setattr(sparse, "LEAST", 0)
            patch.setattr(sparse, "FEW", 1)
            assert [evaluate(rule, columns, NOW).members.tolist() for rule in rules] == asked_of_all
            view = next(iter(columns.worked.values()), None)
        needed = require(*rules)
        assert not people or not (needed.streams or needed.records) or view is None or view.few  # type: ignore[attr-defined]
