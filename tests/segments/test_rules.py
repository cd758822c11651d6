"""Rules from JSON: canonical, limited, and refused with the node's path and what would mend it."""

from typing import Any

import pytest

from segments.describe import describe
from segments.rules import (
    MAX_DEPTH,
    MAX_NODES,
    All,
    Did,
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
            Did("Order Completed", "at_least", 3, (PropertyFilter("category", "is", "shoes"),), days(60)),
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


@pytest.mark.parametrize(
    ("given", "path", "says"),
    [
        (None, "", "must be a condition"),
        ({}, "", "exactly one of all, any, not, trait, did"),
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


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (SHOES, "People who did “Order Completed” at least 3 times with category “shoes” in the last 60 days."),
        ({"did": "X", "at_most": 0}, "People who did not do “X”."),
        ({"did": "X", "exactly": 2, "within_hours": 1}, "People who did “X” exactly twice in the last hour."),
        ({"not": {"trait": "consent_email", "is": True}}, "People who are not among those who have consent email (yes)."),
        ({"trait": "birthday", "before": "1990-05-01"}, "People who have birthday before 1 May 1990."),
        ({"trait": "lifetime_value", "between": [1000, 2000.5]}, "People who have lifetime value from 1,000 to 2,000.5."),
        (
            {"all": [{"trait": "country", "one_of": ["ES", "PT"]}, {"any": [{"trait": "a", "missing": True}, {"did": "X"}]}]},
            "People who have country “ES” or “PT” and (have no a or did “X”).",
        ),
    ],
)  # fmt: skip
def test_english(given: dict[str, Any], says: str) -> None:
    assert describe(from_json(given)) == says
