"""The builder's form: a rule survives it unchanged, its buttons do what they say, and nothing that is posted breaks it."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segments import builder
from segments.builder import DidDraft, FilterDraft, GroupDraft, TraitDraft
from segments.rules import All, Any, Did, Not, PropertyFilter, Rule, Trait, days, from_json, to_json
from tests.segments.strategies import rules, texts

BOUGHT, SPANISH = DidDraft("Order Completed"), TraitDraft("country", "is", "ES")


def fields(draft: builder.Draft, path: str = "r") -> dict[str, str]:
    """What a browser posts for a draft."""
    match draft:
        case GroupDraft(kind, items):
            found = {f"{path}:node": "group", f"{path}:group": kind, f"{path}:items": str(len(items))}
            for number, item in enumerate(items):
                found |= fields(item, f"{path}.{number}")
            return found
        case DidDraft(event, compare, times, within, unit, where):
            said = {"node": "did", "event": event, "compare": compare, "times": times, "within": within, "unit": unit}
            said["filters"] = str(len(where))
            for number, one in enumerate(where):
                said |= {f"property{number}": one.property, f"op{number}": one.op, f"value{number}": one.value}
        case TraitDraft(name, op, value):
            said = {"node": "trait", "name": name, "op": op, "value": value}
    return {f"{path}:{name}": value for name, value in said.items()}


def group(*items: builder.Draft, kind: str = "all") -> GroupDraft:
    return GroupDraft(kind, items)


@settings(max_examples=400, deadline=None)
@given(rules)
@example(Trait("x", "is", 5))
@example(Trait("x", "is", "5"))
@example(Trait("x", "is", "true"))
@example(Trait("x", "is_not", ' "a" '))
@example(Trait("x", "contains", "\n"))
@example(Trait("x", "one_of", ("a, b", '"c', 'd"', 7, "7", True)))
@example(Trait("x", "is", 1e-7))
@example(Not(Trait("x", "exists")))
@example(Not(Any((Trait("x", "exists"),))))
@example(Did("Paid", "at_least", 2, (), 61))
def test_a_rule_goes_through_the_form_unchanged(rule: Rule) -> None:
    draft = builder.draft_of(rule)
    checked = builder.check(builder.read(fields(draft)))
    assert checked.errors == {}
    assert checked.rule is not None
    shown = rule if isinstance(rule, All | Any | Not) else All((rule,))
    assert checked.rule == shown
    # 1 and True are equal in Python, and mean different things in a rule.
    assert kinds(to_json(checked.rule)) == kinds(to_json(shown))


def kinds(document: object) -> object:
    """The same document with texts, numbers and truth values told apart."""
    match document:
        case dict():
            return {name: kinds(value) for name, value in document.items()}
        case list():
            return [kinds(one) for one in document]
        case bool() | str():
            return type(document).__name__
    return "number"


@given(rules)
def test_a_draft_survives_the_undo_list(rule: Rule) -> None:
    draft = builder.draft_of(rule)
    before, left = builder.undo(builder.remember(builder.remember("", draft), group())) or (None, "")
    assert before == draft
    assert builder.undo(left) is None


_names = [
    "node",
    "items",
    "group",
    "add",
    "event",
    "compare",
    "times",
    "within",
    "unit",
    "filters",
    "name",
    "op",
    "value",
]
_names += ["property0", "op0", "value0"]
_paths = st.lists(st.integers(0, 2), max_size=3).map(lambda places: ".".join(["r", *map(str, places)]))
_said = (
    st.sampled_from(["did", "trait", "group", "none", "2", "200", "²", "٣", "-1", "9" * 5_000, "1e999", "nan", "never"])
    | st.sampled_from([*builder.TRAIT_OPS, "days", "2026-13-99", "\0", '"', '"\\ud800"', "1,2", ","])
    | texts
)
_posted = st.dictionaries(
    st.builds("{}:{}".format, _paths, st.sampled_from(_names)) | st.sampled_from(["history", "act", "name", "r"]), _said
)


@settings(max_examples=500, deadline=None)
@given(_posted, st.sampled_from(["wrap", "remove", "up", "down", "group", "filter", "unfilter", ""]), _paths, _said)
def test_whatever_is_posted_becomes_a_rule_or_errors_that_name_their_place(
    posted: dict[str, str], verb: str, path: str, rest: str
) -> None:
    draft = builder.act(builder.act(builder.read(posted), f"{verb} {path} {rest}"), f"{verb} r.{rest}")
    there = {name.rpartition(":")[0] for name in fields(draft)}
    checked = builder.check(draft)
    assert set(checked.errors) <= there
    assert all(checked.errors.values())
    if checked.rule is not None:
        assert from_json(to_json(checked.rule)) == checked.rule
    builder.undo(builder.remember(rest, draft))


@pytest.mark.parametrize(
    "history",
    ["[", "7", '"group"', '[{"group":1},{}]', '[{"group":"all","items":7},1]', "[" * 100_000, '[["did"],["x"]]'],
)
def test_an_undo_list_that_was_tampered_with_undoes_to_an_empty_form(history: str) -> None:
    found = builder.undo(builder.remember(history, group(BOUGHT)))
    assert found is None or found[0] == builder.EMPTY


def test_a_form_nested_without_end_stops_at_a_depth_and_says_so() -> None:
    posted = {"r" + ".0" * depth + ":items": "1" for depth in range(900)}
    deep = "r" + ".0" * 12
    posted |= {f"{deep}:node": "trait", f"{deep}:name": "country", f"{deep}:op": "exists"}
    checked = builder.check(builder.read(posted))
    assert checked.rule is None
    assert "nested more than" in checked.errors["r"]


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ("did Order Completed", BOUGHT),
        ("did not Email Opened", DidDraft("Email Opened", "never")),
        ("DID Paid", DidDraft("Paid")),
        ("trait country", TraitDraft("country")),
        ("any of these", group(kind="any")),
        ("none of these", group(kind="none")),
        ("Order Completed", BOUGHT),
    ],
)
def test_the_field_for_a_new_condition_understands(said: str, becomes: builder.Draft) -> None:
    assert builder.read({**fields(group(SPANISH)), "r:add": said}) == group(SPANISH, becomes)


@pytest.mark.parametrize(
    ("act", "becomes"),
    [
        ("remove r.0", group(SPANISH)),
        ("down r.0", group(SPANISH, BOUGHT)),
        ("up r.1", group(SPANISH, BOUGHT)),
        ("up r.0", group(BOUGHT, SPANISH)),
        ("down r.1", group(BOUGHT, SPANISH)),
        ("wrap r.0", group(group(BOUGHT, kind="any"), SPANISH)),
        ("group r", group(BOUGHT, SPANISH, group(kind="any"))),
        ("filter r.0", group(replace(BOUGHT, where=(FilterDraft(),)), SPANISH)),
        ("filter r.1", group(BOUGHT, SPANISH)),
        ("remove r", group(BOUGHT, SPANISH)),
        ("remove r.7", group(BOUGHT, SPANISH)),
        ("remove r.0.1", group(BOUGHT, SPANISH)),
        ("explode r.0", group(BOUGHT, SPANISH)),
        ("remove r.²", group(BOUGHT, SPANISH)),
    ],
)
def test_a_button_does_its_one_thing(act: str, becomes: GroupDraft) -> None:
    assert builder.act(group(BOUGHT, SPANISH), act) == becomes


def test_buttons_reach_conditions_inside_groups() -> None:
    nested = group(BOUGHT, group(SPANISH, BOUGHT, kind="none"))
    assert builder.act(nested, "remove r.1.0") == group(BOUGHT, group(BOUGHT, kind="none"))
    filtered = builder.act(nested, "filter r.1.1")
    assert builder.act(filtered, "unfilter r.1.1 0") == nested


def test_changing_how_often_or_the_comparison_changes_the_rule() -> None:
    posted = fields(group(BOUGHT, SPANISH))
    checked = builder.check(builder.read({**posted, "r.0:compare": "never", "r.0:within": "3", "r.1:op": "is_not"}))
    assert checked.rule == All((Did("Order Completed", "at_most", 0, (), days(3)), Trait("country", "is_not", "ES")))
    checked = builder.check(builder.read({**posted, "r:group": "none", "r.0:unit": "hours", "r.0:within": "5"}))
    assert checked.rule == Not(Any((Did("Order Completed", within=5 * 3600), Trait("country", "is", "ES"))))


@pytest.mark.parametrize(
    ("wrong", "place", "reason"),
    [
        (DidDraft(""), "r.0", "the event must be a text"),
        (DidDraft("Paid", times="often"), "r.0", "“often”"),
        (DidDraft("Paid", times="²"), "r.0", "“²”"),
        (DidDraft("Paid", times="0"), "r.0", "from 1"),
        (DidDraft("Paid", within="0"), "r.0", "the window must be"),
        (DidDraft("Paid", where=(FilterDraft("a", "is", "b"), FilterDraft("", "is", "x"))), "r.0", "filter 2"),
        (DidDraft("Paid", where=(FilterDraft("total", "greater", "much"),)), "r.0", "must be a number, not “much”"),
        (TraitDraft("", "exists"), "r.0", "the trait must be"),
        (TraitDraft("age", "between", "9, 3"), "r.0", "begin with the lower"),
        (TraitDraft("born", "before", "tomorrow"), "r.0", "must be a date"),
        (TraitDraft("country", "one_of", " , "), "r.0", "must be a list"),
    ],
)
def test_what_is_wrong_is_said_at_its_condition_and_the_rest_still_counts(
    wrong: builder.Draft, place: str, reason: str
) -> None:
    checked = builder.check(builder.read(fields(group(wrong, SPANISH))))
    assert list(checked.errors) == [place]
    assert reason in checked.errors[place]
    assert checked.rule == All((Trait("country", "is", "ES"),))


@pytest.mark.parametrize(
    ("typed", "value"),
    [("84.50", 84.5), ("007", "007"), ('"84.50"', "84.50"), ("TRUE", True), ('"true"', "true"), ("9" * 18, "9" * 18)],
)
def test_a_value_is_what_it_is_written_as(typed: str, value: object) -> None:
    rule = builder.check(group(TraitDraft("x", "is", typed))).rule
    assert rule is not None
    assert to_json(rule) == {"all": [{"trait": "x", "is": value}]}
    assert kinds(to_json(rule)) == kinds({"all": [{"trait": "x", "is": value}]})


def test_a_filter_has_no_clock_of_its_own() -> None:
    checked = builder.check(group(DidDraft("Paid", where=(FilterDraft("at", "in_last_days", "3"),))))
    assert checked.rule is None
    assert checked.errors["r.0"].startswith("filter 1")
    kept = builder.check(group(DidDraft("Paid", where=(FilterDraft("at", "exists"),))))
    assert kept.rule == All((Did("Paid", where=(PropertyFilter("at", "exists"),)),))


def test_only_the_last_states_can_be_undone() -> None:
    history = ""
    for number in range(builder.MOST_UNDO + 5):
        history = builder.remember(history, group(TraitDraft(str(number))))
    assert len(json.loads(history)) == builder.MOST_UNDO
    assert builder.remember(history, group(TraitDraft(str(builder.MOST_UNDO + 4)))) == history
