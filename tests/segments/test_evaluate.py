"""The evaluator on columns made by hand: no database, every edge to the microsecond."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.test import override_settings

from segments import calendar
from segments.evaluate import NEVER, evaluate, next_change
from segments.load import NO_MOMENT, Columns, Happenings, Held, micros
from segments.require import records_key, require, stream_key
from segments.rules import (
    DAY,
    EVER,
    Against,
    Aggregate,
    All,
    Any,
    Changed,
    Compare,
    Events,
    Last,
    Measure,
    Moment,
    Not,
    PropertyFilter,
    Records,
    Rule,
    Sample,
    Sequence,
    Top,
    Total,
    Trait,
    key,
)
from tests.segments.world import NOW, did

MICRO = timedelta(microseconds=1)
WEEK = 7 * DAY
BOUGHT = did("Bought", within=WEEK)
NONE = NO_MOMENT - 1


def happenings(*times: list[datetime]) -> Happenings:
    """As many people as lists, each with events at these times."""
    pairs = sorted((person, micros(time)) for person, mine in enumerate(times) for time in mine)
    return Happenings(np.array([p for p, _ in pairs], dtype=int), np.array([t for _, t in pairs], dtype=np.int64))


def columns(*times: list[datetime], **more: dict[str, np.ndarray]) -> Columns:
    streams = {stream_key(Events("Bought")): happenings(*times)}
    return Columns(
        np.arange(len(times)) + 100, streams, passed=more.get("passed", {}), moments=more.get("moments", {}),
        birthdays=more.get("birthdays", {}), numbers=more.get("numbers", {}),
    )  # fmt: skip


def valued(*values: list[int]) -> Columns:
    """As many people as lists, each with events of these values, a minute apart."""
    of = columns(*([NOW - timedelta(minutes=number) for number in range(len(mine))] for mine in values))
    streams = of.streams[stream_key(Events("Bought"))]
    for kind in ("number", "text"):
        of.streams[stream_key(Events("Bought"), "price", kind)] = Happenings(  # type: ignore[arg-type]
            streams.person, streams.time, np.array([one for mine in values for one in mine], dtype=np.int64)
        )
    return of


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
    assert members(did("Bought", compare, times, within=WEEK), columns([], [NOW], [NOW] * 2, [NOW] * 3)) == inside


def test_ever_has_no_beginning_but_an_end() -> None:
    assert members(did("Bought"), columns([NOW - timedelta(days=9_000)], [NOW + MICRO])) == [0]


def test_each_node_is_answered() -> None:
    rule = All((BOUGHT, Not(Any((Trait("vip", "is", True), BOUGHT)))))
    of = columns([NOW, NOW], [], passed={key(Trait("vip", "is", True)): np.array([False, True])})
    found = evaluate(rule, of, NOW).nodes
    assert {path: one.holds.tolist() for path, one in found.items()} == {
        (): [False, False], (0,): [True, False], (1,): [False, False], (1, 0): [True, True], (1, 0, 0): [False, True],
        (1, 0, 1): [True, False],
    }  # fmt: skip
    assert found[0,].count is not None and found[0,].count.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("aggregate", "compare", "number", "inside"),
    [
        ("sum", "more", 0.3, []),
        ("sum", "at_least", 0.3, [1]),
        ("sum", "at_most", 0, [0]),
        ("sum", "exactly", 0.30000001, []),
        ("average", "exactly", 0.15, [1]),
        ("average", "less", 0.15000001, [1]),
        ("average", "at_most", 10**15, [1, 2]),
        ("lowest", "exactly", 0.1, [1, 2]),
        ("highest", "more", 0.1999, [1, 2]),
        ("distinct", "at_least", 2, [1, 2]),
        ("distinct", "less", 1, [0]),
    ],
)
def test_totals_are_exact(aggregate: Aggregate, compare: Against, number: float, inside: list[int]) -> None:
    of = valued([], [1_000, 2_000], [10**14, 1_000, 10**14])
    if aggregate in ("sum", "average") and compare in ("more", "at_least"):
        inside = [*inside, 2]
    assert members(Measure(Total(aggregate, "price", Events("Bought")), compare, number), of) == inside


def test_a_fall_by_a_third_is_compared_without_rounding() -> None:
    day = timedelta(days=1)
    of = columns([NOW, NOW, *[NOW - day] * 3], [NOW, *[NOW - day] * 2], [NOW])
    third = Changed("fewer", Events("Bought"), DAY, percent=33.3)
    assert members(third, of) == [0, 1]
    assert members(Changed("fewer", Events("Bought"), DAY, percent=33.4), of) == [1]
    assert members(Changed("more", Events("Bought"), DAY), of) == [2]
    assert members(Changed("more", Events("Bought"), DAY, percent=1), of) == []


def test_more_than_days_ago_begins_when_in_the_last_days_ends() -> None:
    week = timedelta(days=7)
    of = columns([NOW - week], [NOW - week + MICRO], [])
    assert members(Moment("last", Events("Bought"), "over_days_ago", 7), of) == [0]
    assert members(Moment("last", Events("Bought"), "in_last_days", 7), of) == [1]


def test_a_sequence_takes_the_last_chance_of_its_last_step() -> None:
    """Bought twice after looking, and gave back the first: the second is a chain with nothing after it."""
    looked, bought, returned = Events("Looked"), Events("Bought"), Events("Returned")
    hour = timedelta(hours=1)
    of = columns([NOW - 3 * hour, NOW - hour], [NOW - 3 * hour])
    of.streams[stream_key(looked)] = happenings([NOW - 5 * hour], [NOW - 5 * hour])
    of.streams[stream_key(returned)] = happenings([NOW - 2 * hour], [NOW - 2 * hour])
    assert members(Sequence((looked, bought), DAY, returned), of) == [0]
    # What comes after the time for the sequence doesn't count against it.
    assert members(Sequence((looked, bought), 2 * 3_600, returned), of) == [0, 1]


def test_a_step_is_later_than_the_one_before() -> None:
    of = columns([NOW], [NOW, NOW - MICRO])
    assert members(Sequence((Events("Bought"), Events("Bought")), DAY), of) == [1]


def test_many_pairs_are_looked_at_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segments.evaluate.windows.PIECE", 3)
    of = valued([1, 1, 2, 2, 2], [], [3], [4, 4, 5, 6])
    answers = evaluate(Measure(Total("distinct", "price", Events("Bought")), "more", 1), of, NOW)
    assert answers.nodes[()].total is not None and answers.nodes[()].total.tolist() == [2, 0, 1, 3]


def test_the_top_are_those_from_the_threshold_on() -> None:
    top = Top(10, "people", "points")
    of = columns([], [], [], [], numbers={"points": np.array([0, 5, 4.999, np.nan])})
    assert members(top, of) == []
    of.thresholds[key(top)] = 5.0
    assert members(top, of) == [1]


def test_a_sample_is_its_share_and_another_with_another_salt() -> None:
    of = Columns(np.arange(100_000) * 4096 + 10**15)
    tenth = evaluate(Sample(10), of, NOW).inside
    other = evaluate(Sample(10, "b"), of, NOW).inside
    assert abs(tenth.mean() - 0.1) < 0.005
    assert abs((tenth & other).mean() - 0.01) < 0.003
    assert (evaluate(Sample(20), of, NOW).inside >= tenth).all()
    assert evaluate(Sample(100), of, NOW).inside.all()


def test_records_are_open_until_the_moment_they_close() -> None:
    rule = Records("ticket")
    of = columns([], [], [])
    closes = np.array([NEVER, micros(NOW + MICRO), micros(NOW)])
    of.records[records_key(rule)] = Held(np.arange(3), closes)
    assert members(rule, of) == [0, 1]
    assert turns(rule, of) == [None, NOW + MICRO, None]


def test_true_and_one_are_different_values() -> None:
    assert len(require(All((Trait("a", "is", True), Trait("a", "is", 1)))).passed) == 2


def test_a_stream_is_required_once_with_its_longest_window() -> None:
    shoes = (PropertyFilter("category", "is", "shoes"),)
    needed = require(
        did("B", within=5),
        did("B", "exactly", 3, within=9),
        did("B", where=shoes, within=7),
        Changed("fewer", Events("B", shoes), 4),
        did("C"),
        did("C", within=1),
        Measure(Total("sum", "p", Events("B"), Last(20)), "more", 1),
    )
    assert sorted((s.events.name, len(s.events.where), s.value, s.within or 0) for s in needed.streams.values()) == [
        ("B", 0, "", 9), ("B", 0, "p", 20), ("B", 1, "", 8), ("C", 0, "", 0),
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
    assert turns(did("Bought", "at_least", 2, within=WEEK), of) == [NOW + timedelta(days=4), None]
    assert turns(did("Bought", "at_most", 2, within=WEEK), of) == [NOW + timedelta(days=1), None]


def test_time_alone_brings_in_what_is_dated_in_the_future() -> None:
    assert turns(BOUGHT, columns([NOW + MICRO])) == [NOW + MICRO]
    assert turns(did("Bought"), columns([NOW + MICRO], [NOW])) == [NOW + MICRO, None]


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


def test_a_date_in_the_next_days_is_open_now_and_closed_at_its_end() -> None:
    rule = Trait("ends", "in_next_days", 7)
    dates = [NOW, NOW + MICRO, NOW + timedelta(days=7), NOW + timedelta(days=7) + MICRO]
    of = columns([], [], [], [], moments={"ends": np.array([*map(micros, dates)])})
    assert members(rule, of) == [1, 2]
    assert turns(rule, of) == [None, NOW + MICRO, NOW + timedelta(days=7), NOW + MICRO]


@override_settings(TIME_ZONE="Europe/Madrid")
def test_a_birthday_begins_and_ends_at_midnight_of_the_company() -> None:
    of = columns([], [], [], [], birthdays={"birthday": np.array([615, 617, 229, 0])})
    today, soon = Trait("birthday", "birthday_in", 0), Trait("birthday", "birthday_in", 2)
    midnight = datetime(2026, 6, 15, 22, 0, tzinfo=UTC)
    assert members(today, of) == [0]
    assert members(soon, of) == [0, 1]
    assert turns(soon, of)[:2] == [midnight, midnight + timedelta(days=2)]
    # 29 February is kept on 1 March where there is none.
    assert turns(today, of)[2:] == [datetime(2027, 2, 28, 23, 0, tzinfo=UTC), None]
    assert members(today, of, datetime(2028, 2, 29, 12, 0, tzinfo=UTC)) == [2]
    assert members(today, of, datetime(2027, 3, 1, 12, 0, tzinfo=UTC)) == [2]


@pytest.mark.parametrize("zone", ["Europe/Madrid", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "UTC"])
def test_days_are_those_of_the_zones_calendar(zone: str) -> None:
    """Hour by hour over the odd years of these zones, where days are skipped, repeated or begin at one o'clock."""
    start = datetime(2011, 1, 1, tzinfo=UTC)
    moments = [start + timedelta(minutes=30 * number) for number in range(2 * 24 * 365 * 2)]
    local = [(one.astimezone(ZoneInfo(zone)).date() - datetime(1970, 1, 1).date()).days for one in moments]
    assert calendar.local_days(np.array([micros(one) for one in moments]), zone).tolist() == local
    begins = {}
    for day, moment in zip(local, moments, strict=True):
        begins.setdefault(day, micros(moment))
    for day in sorted(begins)[2:-2]:
        assert begins[day] in {int(one[0]) for one in calendar.beginnings(np.array([day]), zone)}


def test_nobody_is_no_trouble() -> None:
    nobody = columns()
    nobody.streams |= valued().streams
    of = (
        BOUGHT,
        Measure(Total("lowest", "price", Events("Bought")), "more", 1),
        Sample(5),
        Sequence((Events("Bought"), Events("Bought")), DAY, window=EVER),
        Moment("first", Events("Bought"), "in_last_days", 1),
    )
    for rule in of:
        assert members(rule, nobody) == []
        assert next_change(rule, nobody, NOW).tolist() == []
