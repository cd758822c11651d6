"""The builder's form: every rule survives it, its buttons do what they say, and nothing that is posted breaks it."""

import json
from html.parser import HTMLParser

import pytest
from django.template.loader import render_to_string
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segments import builder, typed
from segments.builder import (
    CONDITIONS,
    ChangedDraft,
    DidDraft,
    EventsDraft,
    FilterDraft,
    GroupDraft,
    MomentDraft,
    SampleDraft,
    SequenceDraft,
    TopDraft,
    TotalDraft,
    TraitDraft,
    WindowDraft,
    words,
)
from segments.rules import (
    AGAINST,
    AGGREGATES,
    COMPARES,
    CONSENTS,
    OPS,
    PROPERTY_OPS,
    RECORD_OPS,
    SCORE_OPS,
    STATES,
    UNITS,
    WEEK,
    WHENS,
    All,
    Any,
    Changed,
    Did,
    Events,
    FirstAfter,
    Last,
    Not,
    PropertyFilter,
    Rule,
    Trait,
    days,
    from_json,
    to_json,
)
from segments.suggest import Names, Suggestions
from tests.segments.strategies import odd_rules, rules, texts

BOUGHT, SPANISH = DidDraft(events=EventsDraft("Order Completed")), TraitDraft(name="country", value="ES")
ORDERS = Events("Order Completed")


def group(*items: builder.Draft, how: str = "all") -> GroupDraft:
    return GroupDraft(how, items)


@settings(max_examples=150, deadline=None)
@given(rules | odd_rules)
@example(Trait("x", "is", 5))
@example(Trait("x", "is", "5"))
@example(Trait("x", "is", "true"))
@example(Trait("x", "is_not", ' "a" '))
@example(Trait("x", "contains", "\n"))
@example(Trait("x", "one_of", ("a, b", '"c', 'd"', 7, "7", True)))
@example(Trait("x", "is", 1e-7))
@example(Trait(' "x" ', "exists"))
@example(Not(Trait("x", "exists")))
@example(Not(Any((Trait("x", "exists"),))))
@example(Not(Did(ORDERS, window=FirstAfter(days(7), Events("Member Joined")))))
@example(Did(ORDERS, "at_least", 2, Last(61)))
def test_a_rule_goes_through_the_form_unchanged(rule: Rule) -> None:
    draft = builder.draft_of(rule)
    posted = builder.controls(draft)
    assert builder.read(posted) == draft
    checked = builder.check(builder.read(posted))
    assert checked.errors == {}
    assert checked.rule is not None
    shown = rule if isinstance(builder.part_of(rule), GroupDraft) else All((rule,))
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


@settings(deadline=None)
@given(rules)
def test_a_draft_survives_the_undo_list(rule: Rule) -> None:
    draft = builder.draft_of(rule)
    before, left = builder.undo(builder.remember(builder.remember("", draft), group())) or (None, "")
    assert before == draft
    assert builder.undo(left) is None


def test_every_word_of_the_algebra_is_offered() -> None:
    assert set(words.OPS) == set(OPS)
    assert set(words.FILTER_OPS) == set(PROPERTY_OPS)
    assert set(words.RECORD_OPS) == set(RECORD_OPS)
    assert set(words.SCORE_OPS) == set(SCORE_OPS)
    assert set(words.COMPARES) == set(COMPARES)
    assert set(words.AGAINST) == set(AGAINST)
    assert set(words.AGGREGATES) | {"count"} == set(AGGREGATES)
    assert set(words.TOPS) == {*AGGREGATES, "trait", "score"}
    assert set(words.WHENS) == set(WHENS)
    assert set(words.STATES) == set(STATES)
    assert set(words.CONSENT_STATES) == set(CONSENTS)
    assert set(words.UNITS) == set(UNITS)
    assert set(words.WEEK) == set(WEEK)
    assert set(words.VERBS) == {*CONDITIONS, "anonymous"}


_fields = sorted({name.partition(":")[2] for made in CONDITIONS.values() for name in builder.controls(group(made()))})
_fields += ["node", "items", "how", "add", "events.where0.op", "events.where0.value", "steps7.name", "where0.property"]
_paths = st.lists(st.integers(0, 2), max_size=3).map(lambda places: ".".join(["r", *map(str, places)]))
_said = (
    st.sampled_from(
        [*CONDITIONS, "group", "none", "2", "200", "²", "٣", "-1", "9" * 5_000, "1e999", "nan", "not", "yes"]
    )
    | st.sampled_from(
        [*words.OPS, *words.WINDOWS, *words.TOPS, "days", "2026-13-99", "\0", '"', '"\\ud800"', "1,2", ","]
    )
    | texts
)
_posted = st.dictionaries(
    st.builds("{}:{}".format, _paths, st.sampled_from(_fields)) | st.sampled_from(["history", "act", "name", "r"]),
    _said,
)
_verbs = (
    "wrap remove up down out into copy move group filter unfilter hours unhours step unstep without unwithout".split()
)
_parts = st.sampled_from(
    ["events", "window.anchor", "steps1", "without0", "where", "window", "kind", "0", "r.1", "__class__"]
)


@settings(max_examples=150, deadline=None)
@given(_posted, st.sampled_from([*_verbs, ""]), _paths, _said | _parts)
def test_whatever_is_posted_becomes_a_rule_or_errors_that_name_their_place(
    posted: dict[str, str], verb: str, path: str, rest: str
) -> None:
    draft = builder.act(builder.act(builder.read(posted), f"{verb} {path} {rest} 1"), f"{verb} r.{rest}")
    there = {name.rpartition(":")[0] for name in builder.controls(draft)}
    checked = builder.check(draft)
    assert set(checked.errors) <= there
    assert all(checked.errors.values())
    assert checked.gaps <= set(checked.errors)
    if checked.rule is not None:
        assert from_json(to_json(checked.rule)) == checked.rule
    assert builder.read(builder.controls(draft)) == draft
    builder.undo(builder.remember(rest, draft))


@pytest.mark.parametrize(
    "history",
    [
        "[", "7", '"group"', '[{"how":1},{}]', '[{"how":"all","items":7},1]', "[" * 100_000, '[["did"],["x"]]',
        '[{"how":"all","items":[{"node":"nothing"}]},1]', '[{"how":"all","items":[{"node":"did","events.where":{}}]},[]]',
    ],
)  # fmt: skip
def test_an_undo_list_that_was_tampered_with_undoes_to_a_form(history: str) -> None:
    found = builder.undo(builder.remember(history, group(BOUGHT)))
    assert found is None or isinstance(found[0], GroupDraft)


def test_a_form_nested_without_end_stops_at_a_depth_and_says_so() -> None:
    posted = {"r" + ".0" * depth + ":items": "1" for depth in range(900)}
    deep = "r" + ".0" * 12
    posted |= {f"{deep}:node": "trait", f"{deep}:name": "country", f"{deep}:op": "exists"}
    checked = builder.check(builder.read(posted))
    assert checked.rule is None
    assert "nested more than" in checked.errors["r"]


def test_changing_words_changes_the_rule() -> None:
    posted = builder.controls(group(BOUGHT, SPANISH))
    more = {"r.0:negated": "not", "r.0:window.kind": "last", "r.0:window.number": "3", "r.1:op": "is_not"}
    checked = builder.check(builder.read({**posted, **more}))
    assert checked.rule == All((Did(ORDERS, "at_most", 0, Last(days(3))), Trait("country", "is_not", "ES")))
    checked = builder.check(builder.read({**posted, "r:how": "none", "r.1:negated": "not"}))
    assert checked.rule == Not(Any((Did(ORDERS), Not(Trait("country", "is", "ES")))))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (DidDraft(events=EventsDraft("Paid"), times="often"), "“often”"),
        (DidDraft(events=EventsDraft("Paid"), times="²"), "“²”"),
        (DidDraft(events=EventsDraft("Paid"), times="0"), "from 1"),
        (DidDraft(events=EventsDraft("Paid"), window=WindowDraft("last", "0")), "the window must be"),
        (
            DidDraft(events=EventsDraft("Paid"), window=WindowDraft("between", start="soon", end="later")),
            "the window must be",
        ),
        (DidDraft(events=EventsDraft("Paid", (FilterDraft("total", "greater", "much"),))), "filter 1 must be a number"),
        (
            DidDraft(events=EventsDraft("Paid", timed="yes", days="mon", start="25:00")),
            "the hours must be a time of day",
        ),
        (TraitDraft(name="age", op="between", value="9 and 3"), "begin with the lower"),
        (TraitDraft(name="born", op="before", value="tomorrow"), "must be a date"),
        (TraitDraft(name="country", op="one_of", value=" , "), "must be a list"),
        (SampleDraft(percent="200"), "the sample must be a number above 0"),
        (ChangedDraft(events=EventsDraft("Paid"), percent="200"), "by how much must be"),
    ],
)
def test_what_is_wrong_is_said_at_its_condition_and_the_rest_still_counts(wrong: builder.Draft, reason: str) -> None:
    checked = builder.check(group(wrong, SPANISH))
    assert list(checked.errors) == ["r.0"]
    assert reason in checked.errors["r.0"]
    assert not checked.gaps
    assert checked.rule == All((Trait("country", "is", "ES"),))


@pytest.mark.parametrize(
    ("unfinished", "reason"),
    [
        (DidDraft(), "the event is still to be said"),
        (DidDraft(events=EventsDraft("Paid"), times=""), "needs a number"),
        (
            DidDraft(events=EventsDraft("Paid", (FilterDraft("a", "is", "b"), FilterDraft("", "is", "x")))),
            "filter 2 needs a property",
        ),
        (DidDraft(events=EventsDraft("Paid", timed="yes")), "the hours needs days or times"),
        (DidDraft(events=EventsDraft("Paid"), window=WindowDraft("since")), "the event since which it counts"),
        (SequenceDraft(steps=(EventsDraft("A"), EventsDraft())), "step 2 is still to be said"),
        (TraitDraft(name="country"), "needs a value after “is”"),
        (TotalDraft(events=EventsDraft("Paid")), "the property is still to be said"),
        (TopDraft(), "the trait is still to be said"),
        (MomentDraft(events=EventsDraft("Paid"), op="before", value=""), "needs a date"),
    ],
)
def test_what_is_only_unfinished_is_told_from_what_is_wrong(unfinished: builder.Draft, reason: str) -> None:
    checked = builder.check(group(unfinished, SPANISH))
    assert checked.gaps == {"r.0"}
    assert reason in checked.errors["r.0"]
    assert checked.rule == All((Trait("country", "is", "ES"),))


@pytest.mark.parametrize(
    ("said", "value"),
    [("84.50", 84.5), ("007", "007"), ('"84.50"', "84.50"), ("TRUE", True), ('"true"', "true"), ("9" * 18, "9" * 18)],
)
def test_a_value_is_what_it_is_written_as(said: str, value: object) -> None:
    rule = builder.check(group(TraitDraft(name="x", value=said))).rule
    assert rule is not None
    assert to_json(rule) == {"all": [{"trait": "x", "is": value}]}
    assert kinds(to_json(rule)) == kinds({"all": [{"trait": "x", "is": value}]})


@pytest.mark.parametrize("said", ["1 and 10", "1, 10", "1,10"])
def test_two_ends_are_written_either_way(said: str) -> None:
    assert builder.check(group(TraitDraft(name="x", op="between", value=said))).rule == All(
        (Trait("x", "between", (1, 10)),)
    )


@pytest.mark.parametrize(("said", "written"), [("9", "09:00"), ("9:30", "09:30"), ("18:00", "18:00")])
def test_times_of_day_are_written_as_people_do(said: str, written: str) -> None:
    assert typed.clock(said) == written


def test_a_filter_has_no_clock_of_its_own() -> None:
    checked = builder.check(group(DidDraft(events=EventsDraft("Paid", (FilterDraft("at", "in_last_days", "3"),)))))
    assert checked.rule is None
    assert checked.errors["r.0"].startswith("filter 1")
    kept = builder.check(group(DidDraft(events=EventsDraft("Paid", (FilterDraft("at", "exists"),)))))
    assert kept.rule == All((Did(Events("Paid", (PropertyFilter("at", "exists"),))),))


def test_a_period_is_compared_by_events_or_by_a_sum() -> None:
    by_sum = ChangedDraft(events=EventsDraft("Paid"), by="sum", property="total", percent="30")
    assert builder.check(group(by_sum)).rule == All((Changed("fewer", Events("Paid"), days(90), "total", 30),))


def test_only_the_last_states_can_be_undone() -> None:
    history = ""
    for number in range(builder.MOST_UNDO + 5):
        history = builder.remember(history, group(TraitDraft(name=str(number))))
    assert len(json.loads(history)) == builder.MOST_UNDO
    assert builder.remember(history, group(TraitDraft(name=str(builder.MOST_UNDO + 4)))) == history


class Controls(HTMLParser):
    """What a browser would post for a page: hidden and typed fields, ticked boxes, chosen options."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.posted: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attributes}
        name = said.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in said:
            self.posted[self._select] = said["value"]
        elif tag == "input" and said.get("type") != "checkbox":
            self.posted[name] = said.get("value", "")
        elif tag == "input" and "checked" in said:
            self.posted[name] = f"{self.posted[name]} {said['value']}" if name in self.posted else said["value"]
        if name and tag in ("input", "select") and said.get("type") != "hidden":
            self.labels[name] = said.get("aria-label", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""


def shown(draft: GroupDraft) -> Controls:
    suggestions = Suggestions([], Names("trait-values", []), [], [], [], [], [], {}, {})
    kinds = {"anonymous": "anonymous"}
    context = {
        "draft": draft,
        "words": words,
        "suggestions": suggestions,
        "kinds": kinds,
        "errors": {},
        "gaps": (),
        "misread": {},
    }
    return Controls(render_to_string("segments/_builder.html", context))


@settings(max_examples=80, deadline=None)
@given(rules | odd_rules)
def test_the_page_has_a_control_for_everything_that_a_rule_says(rule: Rule) -> None:
    draft = builder.draft_of(rule)
    page = shown(draft)
    checked = builder.check(builder.read(page.posted))
    assert checked.errors == {}
    assert checked.rule == (rule if isinstance(builder.part_of(rule), GroupDraft) else All((rule,)))
    assert all(label for name, label in page.labels.items() if not name.endswith("days"))


@pytest.mark.parametrize("made", CONDITIONS.values(), ids=CONDITIONS)
def test_a_new_condition_of_each_kind_is_unfinished_or_right_and_never_wrong(made: type[builder.Condition]) -> None:
    checked = builder.check(builder.read(shown(group(made())).posted))
    assert set(checked.errors) == set(checked.gaps)
    assert checked.gaps or checked.rule is not None
