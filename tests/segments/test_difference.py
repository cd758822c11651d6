"""The difference between two rules, as people read it."""

from hypothesis import given

from segments.difference import Line, changed, difference, told
from segments.rules import All, Any, Did, Events, InSegment, Last, Not, Rule, Trait, days, key
from tests.segments.strategies import rules

ORDERS = Did(Events("Order Completed"), "at_least", 2, Last(days(30)))
MORE_ORDERS = Did(Events("Order Completed"), "at_least", 3, Last(days(60)))
SPAIN = Trait("country", "is", "ES")
FRANCE = Trait("country", "is", "FR")
VIP = InSegment("VIP")


def shown(before: Rule, after: Rule) -> list[str]:
    marks = {"same": " ", "added": "+", "gone": "-", "changed": "~"}
    return [f"{marks[line.change]}{'  ' * line.depth} {line.says}" for line in difference(before, after)]


def test_equal_rules_have_no_difference() -> None:
    lines = difference(All((ORDERS, SPAIN)), All((ORDERS, SPAIN)))
    assert not changed(lines)
    assert told(lines) == "No difference"


def test_the_order_of_conditions_means_nothing() -> None:
    assert not changed(difference(All((ORDERS, SPAIN, VIP)), All((VIP, ORDERS, SPAIN))))


def test_what_was_added_taken_away_and_changed_is_said_condition_by_condition() -> None:
    lines = shown(All((ORDERS, SPAIN)), All((MORE_ORDERS, Not(VIP))))
    assert lines == [
        "  all of these",
        "~   did “Order Completed” at least 3 times in the last 60 days",
        "+   are not in the segment “VIP”",
        "-   have country “ES”",
    ]


def test_a_changed_condition_says_which_words_are_new() -> None:
    (line,) = difference(ORDERS, MORE_ORDERS)
    assert [(part.change, part.words) for part in line.parts] == [
        ("same", "did “Order Completed” at least"), ("gone", "twice"), ("added", "3 times"), ("same", "in the last"),
        ("gone", "30"), ("added", "60"), ("same", "days"),
    ]  # fmt: skip
    assert line.said == "did “Order Completed” at least twice in the last 30 days"
    assert line.says == "did “Order Completed” at least 3 times in the last 60 days"


def test_conditions_about_the_same_thing_are_one_that_changed_and_the_most_alike_find_each_other() -> None:
    assert shown(Any((SPAIN, ORDERS)), Any((MORE_ORDERS, FRANCE))) == [
        "  any of these",
        "~   did “Order Completed” at least 3 times in the last 60 days",
        "~   have country “FR”",
    ]


def test_a_condition_alone_is_a_group_of_one() -> None:
    assert shown(ORDERS, All((ORDERS, SPAIN))) == [
        "  all of these",
        "    did “Order Completed” at least twice in the last 30 days",
        "+   have country “ES”",
    ]
    assert shown(All((ORDERS, SPAIN)), ORDERS) == [
        "  all of these",
        "    did “Order Completed” at least twice in the last 30 days",
        "-   have country “ES”",
    ]


def test_a_group_of_another_kind_is_said() -> None:
    lines = difference(All((ORDERS, SPAIN)), Any((ORDERS, SPAIN)))
    assert (lines[0].change, lines[0].said, lines[0].says) == ("changed", "all of these", "any of these")
    assert told(lines) == "1 changed"


def test_inside_a_not_as_well() -> None:
    assert shown(Not(All((ORDERS, SPAIN))), Not(All((ORDERS, FRANCE)))) == [
        "  not all of these",
        "    did “Order Completed” at least twice in the last 30 days",
        "~   have country “FR”",
    ]


def test_groups_in_groups_are_compared_with_those_most_like_them() -> None:
    before = All((Any((ORDERS, SPAIN)), Any((VIP, FRANCE))))
    after = All((Any((VIP, SPAIN)), Any((MORE_ORDERS, SPAIN))))
    assert told(difference(before, after)) == "2 changed"


@given(rules, rules)
def test_only_what_is_the_same_rule_has_no_difference(before: Rule, after: Rule) -> None:
    assert not changed(difference(before, before))
    if not changed(difference(before, after)):
        assert _unordered(before) == _unordered(after)


@given(rules, rules)
def test_both_rules_can_be_read_off_their_difference(before: Rule, after: Rule) -> None:
    lines = difference(before, after)
    assert _leaves(lines, "gone") == sorted(line.said for line in difference(before, before) if _leaf(line))
    assert _leaves(lines, "added") == sorted(line.says for line in difference(after, after) if _leaf(line))


HEADS = ("all of these", "any of these", "not all of these", "none of these", "not this")


def _leaf(line: Line) -> bool:
    return line.says not in HEADS


def _leaves(lines: list[Line], side: str) -> list[str]:
    other = {"gone": "added", "added": "gone"}[side]
    said = [line.said if side == "gone" else line.says for line in lines if line.change != other]
    return sorted(one for one in said if one not in HEADS)


def _unordered(rule: Rule) -> object:
    """The rule with groups of one as what is in them, and each group's conditions in an order of their own."""
    match rule:
        case All((one,)) | Any((one,)):
            return _unordered(one)
        case All(conditions) | Any(conditions):
            return type(rule).__name__, sorted(map(repr, map(_unordered, conditions)))
        case Not(condition):
            return "Not", _unordered(condition)
        case _:
            return key(rule)
