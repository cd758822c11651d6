"""An admin's patterns are checked: what could run away is refused, with how to say it instead; what is taken is quick."""

import re
import time

import pytest

from profiles.patterns import LONGEST_VALUE, problem


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(", "is no regular expression"),
        ("[z-a]", "is no regular expression"),
        ("x" * 201, "201 characters"),
        ("(a+)+b", "repeats something that varies itself"),
        ("(a|aa)*b", "repeats something that varies itself"),
        ("(.*)*", "repeats something that varies itself"),
        ("a?" * 30 + "a" * 30, "too many ways"),
        (".*.*.*x", "too many ways"),
        ("(a|b|ab)" * 20, "too many ways"),
        (r"(a)\1", "looks ahead, behind or back"),
        ("(?=a)a", "looks ahead, behind or back"),
        ("(?<!b)a", "looks ahead, behind or back"),
        (".*", "matches even what is empty"),
        ("", "matches even what is empty"),
    ],
)
def test_what_could_run_away_or_block_everything_is_refused(pattern: str, says: str) -> None:
    assert says in problem(pattern)


TAKEN = [
    "test.*@.*", r"\+?0+", "(demo|test)-[0-9]{1,6}", ".*@(example|invalid)[.](com|org)", "[a-z]{3}-?[0-9]*", ".*x.*y",
    "(a{0,5}){0,5}b",
]  # fmt: skip


@pytest.mark.parametrize("pattern", TAKEN)
def test_what_is_taken_is_quick_on_the_worst_values(pattern: str) -> None:
    assert problem(pattern) == ""
    for letter in "ax0@-":
        for tail in ("", "!", "x", "@"):
            value = letter * (LONGEST_VALUE - len(tail)) + tail
            started = time.process_time()
            re.fullmatch(pattern, value, re.IGNORECASE)
            assert time.process_time() - started < 0.2, (pattern, value[:5])
