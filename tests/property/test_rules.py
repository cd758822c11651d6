"""Whatever the rule: JSON, the language and the schema say the same one, and English names all that it asks for."""

import os
from collections.abc import Callable
from typing import Any as Anything

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from segments.describe import describe
from segments.rules import InSegment, Records, Rule, RuleError, events_in, from_json, nodes, to_json
from segments.rules.schema import schema
from segments.text import TextError, parse, to_text
from segments.text.tokens import WORDS
from tests.segments.strategies import odd_rules, rules

# More for a soak: CASES=1000.
CASES = int(os.environ.get("CASES", "500"))

SCHEMA = Draft202012Validator(schema())
# Each key that a rule's JSON has somewhere, and each kind of value.
_KEYS = sorted({key for one in (*schema()["$defs"].values(),) for key in one.get("properties", {})})
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-2, 400)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(
        ["x", "mon", "open", "first", "sum", "count", "given", "2026-01-01", "10:00", "24:00", "", "\0", 10**15, 1.0]
    )
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=3),
    max_leaves=12,
)


@st.composite
def changed(draw: st.DrawFn) -> Anything:
    """The JSON of a rule with something in it left out, put in or replaced."""
    document = to_json(draw(rules))
    where: list[tuple[Anything, Anything]] = []

    def collect(part: Anything) -> None:
        for key in part if isinstance(part, dict) else range(len(part)):
            where.append((part, key))
            if isinstance(part[key], dict | list):
                collect(part[key])

    collect(document)
    for _ in range(draw(st.integers(1, 2))):
        part, key = draw(st.sampled_from(where))
        match draw(st.sampled_from(["replace", "replace", "leave out", "put in"])):
            case "leave out" if isinstance(part, dict):
                part.pop(key, None)
            case "put in" if isinstance(part, dict):
                part[draw(st.sampled_from(_KEYS))] = draw(anything)
            case _:
                part[key] = draw(anything)
    return document


@given(rules | odd_rules)
def test_json_says_the_same_rule(rule: Rule) -> None:
    assert repr(from_json(to_json(rule))) == repr(rule)


@settings(max_examples=400)
@given(rules | odd_rules)
def test_text_says_the_same_rule(rule: Rule) -> None:
    assert repr(parse(to_text(rule))) == repr(rule)


@given(rules | odd_rules, st.integers(10, 100))
def test_text_on_several_lines_says_the_same_rule(rule: Rule, wide: int) -> None:
    text = to_text(rule, wide=wide)
    assert repr(parse(text)) == repr(rule)
    assert not any(line.startswith(("#", "/")) or line != line.rstrip() for line in text.split("\n"))


@given(rules | odd_rules)
def test_english_names_every_event_and_segment(rule: Rule) -> None:
    sentence = describe(rule)
    assert sentence.startswith("People ") and sentence.endswith(".")
    assert all(f"“{events.name}”" in sentence for events in events_in(rule))
    assert all(f"“{node.name}”" in sentence for _, node in nodes(rule) if isinstance(node, InSegment))
    assert all(node.kind.replace("_", " ") in sentence for _, node in nodes(rule) if isinstance(node, Records))


@given(rules | odd_rules)
def test_the_schema_accepts_every_rule(rule: Rule) -> None:
    assert not list(SCHEMA.iter_errors(to_json(rule)))


# What the schema leaves to `from_json`; and 1.0, which for JSON is a whole number and for Python none.
_LEFT = ("must be a date", "the lower value", "all week", "begins when it ends", "can't be stored", "a whole number")


@settings(max_examples=CASES)
@given(changed() | anything)
def test_json_is_a_rule_or_is_refused(given: Anything) -> None:
    found = _read(lambda: from_json(given))
    if isinstance(found, RuleError):
        assert found.reason
        assert not SCHEMA.is_valid(given) or any(reason in found.reason for reason in _LEFT)
    else:
        assert repr(from_json(to_json(found))) == repr(found)
        assert SCHEMA.is_valid(given)


words = st.sampled_from(
    [
        *sorted(WORDS),
        *'( ( ) ) , = != > < >= <= % 3 0.5 60 days 90 2026-01-01 18:30 "X" "ES" country churn \n'.split(" "),
    ]
)


def _put_in(text: str, place: int, word: str) -> str:
    said = text.split(" ")
    place %= len(said) + 1
    return " ".join([*said[:place], word, *said[place:]])


texts = st.one_of(
    st.text(max_size=40),
    st.builds(lambda rule, end: to_text(rule)[:end], rules | odd_rules, st.integers(0, 300)),
    st.lists(words, max_size=12).map(" ".join),
    st.builds(_put_in, rules.map(to_text), st.integers(0, 99), words),
)


@settings(max_examples=CASES)
@given(texts)
def test_text_is_a_rule_or_is_refused_with_its_place(text: str) -> None:
    found = _read(lambda: parse(text))
    if isinstance(found, TextError):
        lines = text.split("\n")
        assert found.reason and 1 <= found.place <= len(text) + 1
        assert found.place == sum(len(line) + 1 for line in lines[: found.line - 1]) + found.column
    elif isinstance(found, RuleError):
        assert text.lstrip().startswith("{")
    else:
        assert repr(parse(to_text(found))) == repr(found)


def _read(read: Callable[[], Rule]) -> Rule | RuleError | TextError:
    """What was read, or how it was refused; any other exception fails the test."""
    try:
        return read()
    except (RuleError, TextError) as refused:
        return refused
