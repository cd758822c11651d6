"""The evaluator on columns made by hand: no database, every edge to the microsecond."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from segments.evaluate import NEVER, evaluate, next_change
from segments.load import NO_MOMENT, Columns, Happenings, micros
from segments.require import require, stream_key
from segments.rules import DAY, All, Any, Compare, Did, Not, PropertyFilter, Rule, Trait, key
from tests.segments.world import NOW

MICRO = timedelta(microseconds=1)
WEEK = 7 * DAY
BOUGHT = Did("Bought", within=WEEK)
NONE = NO_MOMENT - 1


def columns(*times: list[datetime], did: Did = BOUGHT, **more: dict[str, np.ndarray]) -> Columns:
    """As many people as lists, each with events at these times."""
    pairs = [(person, micros(time)) for person, mine in enumerate(times) for time in mine]
    events = Happenings(np.array([p for p, _ in pairs], dtype=int), np.array([t for _, t in pairs], dtype=np.int64))
    return Columns(
        np.arange(len(times)) + 100, {stream_key(did): events}, more.get("passed", {}), more.get("moments", {})
    )


def members(rule: Rule, of: Columns, now: datetime = NOW) -> list[int]:
    return [int(id) - 100 for id in evaluate(rule, of, now).members]


def test_a_window_is_open_at_its_beginning_and_closed_at_its_end() -> None:
    week = timedelta(days=7)
    assert members(BOUGHT, columns([NOW - week], [NOW - week + MICRO], [NOW], [NOW + MICRO])) == [1, 2]


@pytest.mark.parametrize(
    ("compare", "times", "inside"),
    [("at_least", 2, [2, 3]), ("at_most", 1, [0, 1]), ("exactly", 2, [2]), ("at_most", 0, [0]), ("exactly", 0, [0])],
)
def test_who_never_did_it_did_it_zero_times(compare: Compare, times: int, inside: list[int]) -> None:
    assert members(Did("Bought", compare, times, within=WEEK), columns([], [NOW], [NOW] * 2, [NOW] * 3)) == inside


def test_ever_has_no_beginning_but_an_end() -> None:
    ever = Did("Bought")
    assert members(ever, columns([NOW - timedelta(days=9_000)], [NOW + MICRO], did=ever)) == [0]


def test_each_node_is_answered() -> None:
    rule = All((BOUGHT, Not(Any((Trait("vip", "is", True), BOUGHT)))))
    of = columns([NOW, NOW], [], passed={key(Trait("vip", "is", True)): np.array([False, True])})
    found = evaluate(rule, of, NOW).nodes
    assert {path: one.holds.tolist() for path, one in found.items()} == {
        (): [False, False], (0,): [True, False], (1,): [False, False], (1, 0): [True, True], (1, 0, 0): [False, True],
        (1, 0, 1): [True, False],
    }  # fmt: skip
    assert found[0,].count is not None and found[0,].count.tolist() == [2, 0]


def test_true_and_one_are_different_values() -> None:
    assert len(require(All((Trait("a", "is", True), Trait("a", "is", 1)))).passed) == 2


def test_a_stream_is_required_once_with_its_longest_window() -> None:
    shoes = (PropertyFilter("category", "is", "shoes"),)
    needed = require(
        Did("B", within=5),
        Did("B", "exactly", 3, within=9),
        Did("B", where=shoes, within=7),
        Did("C"),
        Did("C", within=1),
    )
    assert sorted((one.event, len(one.where), one.within or 0) for one in needed.streams.values()) == [
        ("B", 0, 9), ("B", 1, 7), ("C", 0, 0),
    ]  # fmt: skip


def turns(rule: Rule, of: Columns) -> list[datetime | None]:
    return [
        None if one == NEVER else NOW + timedelta(microseconds=int(one) - micros(NOW))
        for one in next_change(rule, of, NOW)
    ]


def test_time_alone_changes_an_answer_when_the_last_needed_event_leaves() -> None:
    ago = [NOW - timedelta(days=days) for days in (6, 3, 1)]
    of = columns(ago, [])
    assert turns(BOUGHT, of) == [NOW + timedelta(days=6), None]
    assert turns(Did("Bought", "at_least", 2, within=WEEK), of) == [NOW + timedelta(days=4), None]
    assert turns(Did("Bought", "at_most", 2, within=WEEK), of) == [NOW + timedelta(days=1), None]


def test_time_alone_brings_in_what_is_dated_in_the_future() -> None:
    assert turns(BOUGHT, columns([NOW + MICRO])) == [NOW + MICRO]
    ever = Did("Bought")
    assert turns(ever, columns([NOW + MICRO], [NOW], did=ever)) == [NOW + MICRO, None]


def test_a_change_that_another_condition_hides_is_none() -> None:
    of = columns([NOW - timedelta(days=6)], passed={key(Trait("vip", "is", True)): np.array([True])})
    assert turns(Any((BOUGHT, Trait("vip", "is", True))), of) == [None]
    assert turns(All((BOUGHT, Trait("vip", "is", True))), of) == [NOW + timedelta(days=1)]


def test_a_date_in_the_last_days_has_the_same_edges() -> None:
    rule = Trait("joined", "in_last_days", 7)
    dates = [NOW - timedelta(days=7), NOW - timedelta(days=7) + MICRO, NOW, NOW + MICRO]
    of = columns([], [], [], [], [], moments={"joined": np.array([*map(micros, dates), NONE])})
    assert members(rule, of) == [1, 2]
    assert turns(rule, of) == [None, NOW + MICRO, NOW + timedelta(days=7), NOW + MICRO, None]


def test_nobody_is_no_trouble() -> None:
    assert members(BOUGHT, columns()) == []
    assert next_change(BOUGHT, columns(), NOW).tolist() == []
