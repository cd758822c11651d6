"""Whatever the rule, the people and the clock: what the evaluator says is what the rule means, in every form of the rule."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from profiles.models import Profile
from segments.counting import count
from segments.describe import describe
from segments.evaluate import NEVER, evaluate, next_change
from segments.load import Chunk, load, micros, moment_of
from segments.require import require
from segments.rules import All, Rule, RuleError, from_json, nodes, to_json
from segments.text import TextError, parse, to_text
from tests.segments.strategies import documents, histories, moments, rules
from tests.segments.world import NOW, History, add_history, holds, make_all_months

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["all", "any", "not", "trait", "did", "is", "at_least", "where", "property", "within_days", "x"]),
        inner, max_size=3,
    ),
    max_leaves=12,
)  # fmt: skip


@given(rules)
def test_json_says_the_same_rule(rule: Rule) -> None:
    assert from_json(to_json(rule)) == rule
    assert repr(from_json(to_json(rule))) == repr(rule)


@given(rules)
def test_text_says_the_same_rule(rule: Rule) -> None:
    assert repr(parse(to_text(rule))) == repr(rule)


@given(rules)
def test_english_names_every_event(rule: Rule) -> None:
    sentence = describe(rule)
    assert all(node.event in sentence for _, node in nodes(rule) if hasattr(node, "event"))


@given(anything)
def test_json_is_a_rule_or_is_refused(given: Any) -> None:
    rule = _or_refused(lambda: from_json(given))
    assert rule is None or from_json(to_json(rule)) == rule


@given(
    st.text(max_size=40) | rules.map(to_text).flatmap(lambda text: st.integers(0, len(text)).map(lambda n: text[:n]))
)
def test_text_is_a_rule_or_is_refused_with_its_place(text: str) -> None:
    rule = _or_refused(lambda: parse(text), places=len(text) + 1)
    assert rule is None or parse(to_text(rule)) == rule


def _or_refused(read: Callable[[], Rule], places: int = 0) -> Rule | None:
    """The rule that was read, or None when it was refused properly; any other exception fails the test."""
    try:
        return read()
    except RuleError as refused:
        return None if refused.reason else pytest.fail("refused without a reason")
    except TextError as refused:
        return None if 1 <= refused.place <= places else pytest.fail(f"refused at {refused.place}")


class Evaluation(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_all_months()

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(rules, min_size=1, max_size=3),
        st.lists(st.tuples(documents, histories), min_size=1, max_size=4),
        moments,
    )
    def test_it_is_what_the_rules_mean(
        self, asked: list[Rule], people: list[tuple[dict[str, Any], History]], now: Any
    ) -> None:
        known = {}
        for traits, history in people:
            known[Profile.objects.create(traits=traits).id] = (traits, history)
        add_history({profile: history for profile, (_, history) in known.items()})
        everybody = load(require(*asked), Chunk(), now)
        listed = load(require(*asked), everybody.people, now)
        assert everybody.people.tolist() == sorted(known)
        for rule in asked:
            expected = [profile for profile in sorted(known) if holds(rule, *known[profile], now)]
            assert evaluate(rule, everybody, now).members.tolist() == expected
            assert evaluate(rule, listed, now).members.tolist() == expected
            assert count(rule, now).count == len(expected)
            self._changes_when_it_says(rule, listed, known, now)

    def _changes_when_it_says(self, rule: Rule, columns: Any, known: dict[int, Any], now: Any) -> None:
        for profile, turns in zip(columns.people.tolist(), next_change(rule, columns, now).tolist(), strict=True):
            here = holds(rule, *known[profile], now)
            if turns == NEVER:
                assert holds(rule, *known[profile], NOW + timedelta(days=4_000)) == here
            else:
                assert turns > micros(now)
                assert holds(rule, *known[profile], moment_of(turns)) != here
                assert holds(rule, *known[profile], moment_of(turns - 1)) == here

    @settings(max_examples=40, deadline=None)
    @given(rules, st.lists(st.tuples(documents, histories), min_size=3, max_size=6))
    def test_chunks_of_any_size_give_the_same(self, rule: Rule, people: list[tuple[dict[str, Any], History]]) -> None:
        known = {Profile.objects.create(traits=traits).id: (traits, history) for traits, history in people}
        add_history({profile: history for profile, (_, history) in known.items()})
        whole = evaluate(rule, load(require(rule), Chunk(), NOW), NOW).members.tolist()
        parts: list[int] = []
        after = 0
        while True:
            columns = load(require(rule, All((rule,))), Chunk(after, 2), NOW)
            parts += evaluate(rule, columns, NOW).members.tolist()
            if len(columns.people) < 2:
                break
            after = int(columns.people[-1])
        assert parts == whole
