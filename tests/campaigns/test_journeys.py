"""Journeys by example, and equal to plain Python on whatever touchpoints and conversions there are."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.attribution import journeys as journeys_of
from campaigns.attribution.journeys import Conversions, Found, journeys
from campaigns.attribution.origins import Texts
from campaigns.attribution.touches import Touches
from campaigns.attribution.values import Device, Touch
from tests.campaigns import plain
from tests.campaigns.plain import Buy, Hit

DAY = 86_400_000_000


def touched(people: Sequence[Sequence[float]], device: int = 0) -> Touches:
    """Touchpoints of person 1, 2, … on these days; their ids are 1, 2, … of each person."""
    rows = [(person, day, place) for person, days in enumerate(people, 1) for place, day in enumerate(sorted(days), 1)]
    return Touches(
        profile=np.array([row[0] for row in rows], np.int64),
        time=np.array([row[1] * DAY for row in rows], np.int64),
        id=np.array([row[2] for row in rows], np.int64),
        kind=np.full(len(rows), Touch.VISIT, np.int8),
        origin=np.zeros(len(rows), np.int32),
        device=np.full(len(rows), device, np.int8),
    )


def bought(people: Sequence[Sequence[float]], whole: Sequence[float] = ()) -> Conversions:
    """Conversions of 5 on these days, with ids from 101; of days in `whole` they were taken back whole."""
    rows = [(person, day, 100 + at) for person, days in enumerate(people, 1) for at, day in enumerate(sorted(days), 1)]
    back = np.array([day in whole for _, day, _ in rows], bool)
    number = len(rows)
    return Conversions(
        profile=np.array([row[0] for row in rows], np.int64),
        time=np.array([row[1] * DAY for row in rows], np.int64),
        id=np.array([row[2] for row in rows], np.int64),
        value=np.where(back, 0, 5), back=np.where(back, 5, 0), whole=back,
        other_currency=np.zeros(number, bool), device=np.full(number, Device.STORE, np.int8),
    )  # fmt: skip


def shown(found: Found, touches: Touches) -> list[tuple[int, int, bool, list[int]]]:
    """(profile, id, converted, ids of its touchpoints) of each journey."""
    return [
        (
            int(found.profile[place]),
            int(found.id[place]),
            bool(found.converted[place]),
            touches.id[found.order[found.starts[place] : found.starts[place + 1]]].tolist(),
        )
        for place in range(len(found))
    ]


def ways(days: Sequence[float], conversions: Sequence[float], lookback: int = 30) -> list[tuple[int, bool, list[int]]]:
    touches = touched([days])
    return [row[1:] for row in shown(journeys(touches, bought([conversions]), lookback * DAY), touches)]


def test_a_conversion_takes_what_came_before_it() -> None:
    assert ways([1, 2, 3], [3]) == [(101, True, [1, 2, 3])]


def test_the_next_one_takes_what_came_since() -> None:
    assert ways([1, 2, 4], [3, 5]) == [(101, True, [1, 2]), (102, True, [3])]


def test_one_that_nothing_led_to_stands_alone() -> None:
    assert ways([], [3]) == [(101, True, [])]
    assert ways([1], [2, 2]) == [(101, True, [1]), (102, True, [])]


def test_what_is_as_old_as_the_lookback_is_too_old() -> None:
    assert ways([0, 1], [30]) == [(101, True, [2]), (1, False, [1])]


def test_what_is_left_over_is_parted_where_the_trace_was_lost() -> None:
    assert ways([0, 10, 20, 51], []) == [(3, False, [1, 2, 3]), (4, False, [4])]


def test_what_is_taken_back_stays_where_it_was_and_the_next_one_is_new() -> None:
    touches = touched([[1, 3]])
    found = journeys(touches, bought([[2, 4]], whole=[2]), 30 * DAY)
    assert shown(found, touches) == [(1, 101, False, [1]), (1, 102, True, [2])]
    assert found.new.tolist() == [False, True]
    assert found.value.tolist() == [0, 5]


def test_the_last_known_device_counts_else_where_it_was_bought() -> None:
    assert journeys(touched([[1]], Device.MOBILE), bought([[2]]), DAY * 30).device.tolist() == [Device.MOBILE]
    assert journeys(touched([[1]]), bought([[2]]), DAY * 30).device.tolist() == [Device.STORE]


def test_of_a_robots_journey_the_last_touchpoints_are_kept() -> None:
    touches = touched([[day / 1000 for day in range(700)]])
    found = journeys(touches, bought([[1]]), DAY * 30)
    assert np.diff(found.starts).tolist() == [journeys_of.MOST_TOUCHES]
    assert touches.id[found.order[-1]] == 700


days = st.lists(st.integers(0, 90), max_size=8)


@given(st.lists(st.tuples(days, days, st.sets(st.integers(0, 90))), max_size=3), st.integers(1, 40))
@settings(max_examples=150)
def test_columns_say_what_plain_python_says(people: list[tuple[list[int], list[int], set[int]]], lookback: int) -> None:
    touches = touched([visits for visits, _, _ in people])
    conversions = bought([buys for _, buys, _ in people])
    whole = np.zeros(len(conversions), bool)
    expected = []
    for person, (visits, buys, back) in enumerate(people, 1):
        of = conversions.profile == person
        whole[of] = np.isin(conversions.time[of] // DAY, list(back))
        hits = [Hit(day * DAY, place, 0, Texts()) for place, day in enumerate(sorted(visits), 1)]
        made = [Buy(day * DAY, 100 + place, day in back) for place, day in enumerate(sorted(buys), 1)]
        for way in plain.journeys(hits, made, lookback * DAY):
            id = way.conversion.id if way.conversion else way.touches[-1].id
            stands = bool(way.conversion and not way.conversion.whole)
            expected.append((person, id, stands, [one.id for one in way.touches], way.new))
    settled = Conversions(**{**vars(conversions), "whole": whole})
    found = journeys(touches, settled, lookback * DAY)
    told = [(*row, bool(new)) for row, new in zip(shown(found, touches), found.new, strict=True)]
    assert sorted(told) == sorted(expected)
