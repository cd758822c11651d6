"""What the builder doubts: conditions that can't both hold, names that never arrived, what makes a rule slow."""

import pytest

from segments import doubts
from segments.library import READY
from segments.rules import from_json

BOUGHT = {"did": "Paid", "at_least": 3}


@pytest.mark.parametrize(
    "conditions",
    [
        [BOUGHT, {"did": "Paid", "at_most": 1}],
        [{**BOUGHT, "within_days": 30}, {"did": "Paid", "at_most": 2, "within_days": 90}],
        [{**BOUGHT, "where": [{"property": "category", "is": "shoes"}]}, {"did": "Paid", "at_most": 0}],
        [{"trait": "country", "is": "ES"}, {"trait": "country", "is": "DE"}],
        [{"trait": "country", "is": "ES"}, {"trait": "country", "is_not": "es"}],
        [{"trait": "country", "is": "ES"}, {"trait": "country", "missing": True}],
        [{"trait": "country", "is": "ES"}, {"trait": "country", "one_of": ["DE", "FR"]}],
        [{"trait": "age", "greater": 30}, {"trait": "age", "less": 30}],
        [{"trait": "age", "between": [1, 5]}, {"trait": "age", "is": 7}],
        [{"score": "churn", "greater": 0.7}, {"score": "churn", "less": 0.2}],
        [{"consent": "email", "is": "given"}, {"consent": "email", "is": "denied"}],
        [{"segment": "VIP"}, {"not": {"segment": "VIP"}}],
        [{"segment": "VIP"}, {"not": {"any": [{"segment": "VIP"}, {"has": "email"}]}}],
        [
            {"total": "sum", "property": "total", "of": "Paid", "more": 500},
            {"total": "sum", "property": "total", "of": "Paid", "at_most": 500},
        ],
    ],
)
def test_conditions_that_nobody_can_meet_are_named(conditions: list[dict[str, object]]) -> None:
    [said] = doubts.contradictions(from_json({"all": conditions}))
    assert said.startswith("Nobody can be both: ")
    inside = {"any": [{"has": "email"}, {"all": conditions}]}
    assert doubts.contradictions(from_json(inside)) == [said]
    assert doubts.contradictions(from_json({"any": conditions})) == []


@pytest.mark.parametrize(
    "conditions",
    [
        [BOUGHT, {"did": "Paid", "at_most": 3}],
        [{**BOUGHT, "within_days": 90}, {"did": "Paid", "at_most": 0, "within_days": 30}],
        [BOUGHT, {"did": "Paid", "at_most": 0, "where": [{"property": "category", "is": "shoes"}]}],
        [{"trait": "country", "is": "ES"}, {"trait": "country", "is": "es"}],
        [{"trait": "country", "is": "ES"}, {"trait": "city", "is": "Madrid"}],
        [{"trait": "age", "is": 5}, {"trait": "age", "is": "5"}],
        [{"trait": "age", "greater": 3}, {"trait": "age", "less": 30}],
        [{"trait": "age", "between": [1, 5]}, {"trait": "age", "is": 5}],
        [{"trait": "country", "missing": True}, {"trait": "country", "is_not": "ES"}],
        [{"consent": "email", "is": "given"}, {"consent": "sms", "is": "denied"}],
        [{"total": "sum", "property": "total", "of": "Paid", "at_least": 500},
         {"total": "sum", "property": "total", "of": "Paid", "at_most": 500}],
    ],
)  # fmt: skip
def test_conditions_that_somebody_may_meet_are_not_doubted(conditions: list[dict[str, object]]) -> None:
    assert doubts.contradictions(from_json({"all": conditions})) == []


@pytest.mark.parametrize("ready", READY, ids=lambda ready: ready.key)
def test_no_ready_made_rule_contradicts_itself(ready: object) -> None:
    assert doubts.contradictions(from_json(ready.rule)) == []  # type: ignore[attr-defined]


def test_names_that_never_arrived_are_named_once() -> None:
    rule = from_json({
        "all": [
            BOUGHT, {"did": "Payed", "since_last": "Payd"}, {"did": "Payed", "at_most": 3}, {"trait": "contry", "is": "ES"},
            {"did": "Paid", "where": [{"property": "totl", "greater": 5}, {"property": "total", "greater": 5}]},
        ]
    })  # fmt: skip
    said = doubts.unseen(rule, {"Paid"}, {"country"}, {"Paid": {"total"}})
    assert [one.split("”")[0].split("“")[1] for one in said] == ["Payed", "Payd", "Paid", "contry"]
    assert "has a “totl”" in said[2]


def test_what_makes_a_rule_slow_is_said_only_where_it_is_slow() -> None:
    rule = from_json({"all": [BOUGHT, {"did": "Page Viewed", "within_days": 30}]})
    counts = {"Paid": 5_000, "Page Viewed": 2_000_000}
    assert doubts.cost(rule, 40.0, counts) == []
    [said] = doubts.cost(rule, 3_400.0, counts)
    assert "3.4 s" in said
    assert "2,000,000 “Page Viewed” and 5,000 “Paid” without a window" in said
