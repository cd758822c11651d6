"""Rules from JSON: canonical, limited, and refused with the node's path and what would mend it."""

from typing import Any

import pytest

from segments.rules import (
    MAX_DEPTH,
    MAX_NODES,
    All,
    Did,
    Events,
    FirstAfter,
    Known,
    Last,
    Not,
    PropertyFilter,
    RuleError,
    Trait,
    days,
    from_json,
    to_json,
)

SHOES: dict[str, Any] = {
    "did": "Order Completed", "at_least": 3, "within_days": 60, "where": [{"property": "category", "is": "shoes"}],
}  # fmt: skip


def test_the_documented_shapes_are_read() -> None:
    rule = from_json({"all": [SHOES, {"trait": "country", "is": "ES"}, {"not": {"trait": "vip", "exists": True}}]})
    assert rule == All(
        (
            Did(Events("Order Completed", (PropertyFilter("category", "is", "shoes"),)), "at_least", 3, Last(days(60))),
            Trait("country", "is", "ES"),
            Not(Trait("vip", "exists", True)),
        )
    )


@pytest.mark.parametrize(
    "given",
    [
        {"not": {"did": "X", "within_days": 7}},
        {"did": "X", "exactly": 0, "within_hours": 168},
        {"did": "X", "at_most": 0, "within_days": 7},
    ],
)
def test_did_not_has_one_form(given: dict[str, Any]) -> None:
    assert to_json(from_json(given)) == {"did": "X", "at_most": 0, "within_days": 7}


def test_who_never_did_the_anchor_neither_did_nor_did_not() -> None:
    asked = {"did": "X", "first_days": 7, "after_first": "Y"}
    assert from_json({"not": asked}) == Not(Did(Events("X"), window=FirstAfter(days(7), Events("Y"))))
    assert from_json(asked | {"at_most": 0}) == Did(Events("X"), "at_most", 0, FirstAfter(days(7), Events("Y")))


def test_who_is_known_is_not_anonymous() -> None:
    assert from_json({"anonymous": False}) == Not(Known("anonymous"))
    assert to_json(Not(Known("anonymous"))) == {"not": {"anonymous": True}}


@pytest.mark.parametrize(
    ("given", "path", "says"),
    [
        (None, "", "must be a condition"),
        ({}, "", "exactly one of all, any, not, did, total"),
        ({"all": []}, "all", "at least one condition"),
        ({"all": [{"trait": "a", "is": 1}, {"any": [{"trait": "b"}]}]}, "all[1].any[0]", "exactly one of is"),
        ({"trait": "", "is": 1}, "trait", "isn't empty"),
        ({"trait": "a", "is": None}, "is", "a text, a number, true or false"),
        ({"trait": "a", "is": float("nan")}, "is", "a text, a number"),
        ({"trait": "a", "is": "\0"}, "is", "can't be stored"),
        ({"trait": "a", "is": "\ud800"}, "is", "can't be stored"),
        ({"trait": "a", "greater": True}, "greater", "must be a number"),
        ({"trait": "a", "between": [3, 1]}, "between", "the lower value"),
        ({"trait": "a", "between": ["2026-01-01", 1]}, "between[1]", "isn't empty"),
        ({"trait": "a", "before": "2026-02-30"}, "before", "a date like"),
        ({"trait": "a", "before": "2026-W48-1"}, "before", "a date like"),
        ({"trait": "a", "in_last_days": 0}, "in_last_days", "a whole number from 1"),
        ({"trait": "a", "exists": False}, "exists", "can only be true"),
        ({"trait": "a", "is": 1, "colour": 2}, "", "'colour' isn't known here"),
        ({"did": "X", "at_least": 0}, "at_least", "a whole number from 1"),
        ({"did": "X", "at_least": 1, "at_most": 2}, "", "keep one"),
        ({"did": "X", "within_days": 1, "within_hours": 2}, "", "keep one"),
        ({"did": "X", "within_days": 10**9}, "within_days", "a whole number from 1 to 36,500"),
        ({"did": "X", "where": [{"property": "p", "is": 1}, {"property": "q", "in_last_days": 1}]}, "where[1]", "isn't known"),
        ({"not": {"did": "X", "where": ["p"]}}, "not.where[0]", "must be a filter"),
        ({"did": "X", "within_days": 1, "since_last": "Y"}, "", "keep one"),
        ({"did": "X", "first_days": 7}, "", "needs both"),
        ({"did": "X", "since_last": {"did": "Y", "where": [{}]}}, "since_last.where[0]", "must be a filter"),
        ({"did": "X", "on": {"from": "25:00", "to": "26:00"}}, "on.from", "a time of day"),
        ({"did": "X", "on": {"days": ["sat", "so"]}}, "on.days[1]", "must be one of mon"),
        ({"did": "X", "on": {"from": "10:00"}}, "on", "both from and to"),
        ({"did": "X", "between": ["2026-02-01", "2026-01-01"]}, "between", "the lower value"),
        ({"total": "sum", "of": "X", "more": 1}, "", 'needs "property"'),
        ({"total": "count", "of": "X", "more": 1}, "", "counts events"),
        ({"total": "sum", "property": "p", "of": "X"}, "", "exactly one of more"),
        ({"moment": "first", "of": "X", "in_last_days": 0}, "in_last_days", "a whole number from 1"),
        ({"changed": "fewer", "of": "X"}, "", "the length of the two periods"),
        ({"changed": "fewer", "of": "X", "within_days": 9, "percent": 101}, "percent", "above 0, up to 100"),
        ({"sequence": ["X"], "within_days": 1}, "sequence", "a list of 2 to 5"),
        ({"sequence": ["X", "Y"]}, "", "from the first step to the last"),
        ({"has": "anonymous"}, "has", '{"anonymous": true}'),
        ({"consent": "email", "is": "maybe"}, "is", "must be one of given"),
        ({"score": "churn", "between": ["2026-01-01", "2026-01-02"]}, "between", "two numbers"),
        ({"records": "ticket", "state": "lost"}, "state", "must be one of open"),
        ({"sample": 0}, "sample", "above 0"),
        ({"top": 0.5, "unit": "people", "by": {"trait": "a"}}, "top", "a whole number from 1"),
        ({"top": 5, "by": {"trait": "a", "score": "b"}}, "by", "must be"),
        ({"trait": "a", "one_of": [1] * 1_001}, "one_of", "1 to 1,000 values"),
        ({"trait": "a", "is": "x" * 1_001}, "is", "at most 1,000"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_node(given: Any, path: str, says: str) -> None:
    with pytest.raises(RuleError) as refused:
        from_json(given)
    assert refused.value.path == path
    assert says in refused.value.reason
    assert str(refused.value).startswith(path or "rule")


def test_a_rule_that_is_nested_without_end_is_refused_early() -> None:
    given: dict[str, Any] = {"trait": "a", "is": 1}
    for _ in range(100_000):
        given = {"not": given}
    with pytest.raises(RuleError, match=f"more than {MAX_DEPTH} deep"):
        from_json(given)


def test_a_rule_with_very_many_conditions_is_refused() -> None:
    with pytest.raises(RuleError, match=f"at most {MAX_NODES}"):
        from_json({"any": [{"trait": "a", "is": number} for number in range(MAX_NODES)]})
