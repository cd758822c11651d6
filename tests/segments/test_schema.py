"""The JSON Schema of rules: published, up to date, and refusing what no rule is."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from jsonschema import Draft202012Validator

from segments.rules import RuleError, from_json
from segments.rules.schema import schema

PUBLISHED = Path(__file__).parents[2] / "docs" / "rule.schema.json"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())


def test_the_published_schema_is_what_the_command_prints() -> None:
    out = StringIO()
    call_command("segments", "schema", stdout=out)
    assert out.getvalue() == PUBLISHED.read_text(), "docs/rule.schema.json is old: manage.py segments schema > it"
    assert json.loads(out.getvalue()) == schema()


@pytest.mark.parametrize(
    "given",
    [
        {"did": "X"},
        {"did": "X", "first_days": 7, "after_first": {"did": "Y", "where": [{"property": "p", "is": True}]}},
        {"did": "X", "on": {"days": ["sat", "sun"], "from": "22:00", "to": "00:00"}, "since_last": "Y"},
        {"anonymous": False},
        {"consent": "email"},
        {"top": 5, "by": {"score": "churn"}},
        {"sample": 10, "salt": ""},
        {"trait": "birthday", "birthday_in": 0},
    ],
)
def test_what_may_be_left_out_may_be_left_out_of_it(given: dict[str, Any]) -> None:
    from_json(given)
    assert Draft202012Validator(schema()).is_valid(given)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"all": []},
        {"did": "X", "trait": "a", "is": 1},
        {"did": "X", "at_least": 1, "at_most": 2},
        {"did": "X", "within_days": 1, "since_last": "Y"},
        {"did": "X", "first_days": 7},
        {"did": "X", "within_days": 7, "after_first": "Y"},
        {"did": "X", "on": {}},
        {"did": "X", "on": {"from": "10:00"}},
        {"total": "count", "of": "X", "more": 1},
        {"total": "sum", "property": "p", "of": "X"},
        {"changed": "fewer", "of": "X", "within_days": 90, "percent": 101},
        {"sequence": ["X"], "within_days": 1},
        {"has": "anonymous"},
        {"score": "churn", "is": 1},
        {"top": 0.5, "unit": "people", "by": {"trait": "a"}},
        {"top": 5, "by": {"total": "count", "property": "p", "of": "X"}},
        {"records": "ticket", "where": [{"property": "p", "birthday_in": 1}]},
        {"trait": "a", "exists": False},
    ],
)
def test_what_is_no_rule_it_refuses(given: dict[str, Any]) -> None:
    assert not Draft202012Validator(schema()).is_valid(given)
    with pytest.raises(RuleError):
        from_json(given)
