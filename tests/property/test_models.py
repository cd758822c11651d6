"""Each model against its definition on random journeys, in plain dictionaries; and that all of them add up."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from campaigns.attribution.models import BY_KEY, MODELS, compute_all, removal_effects, shapley, totals
from campaigns.attribution.models.chain import chain
from campaigns.attribution.values import MILLIONTH, TYPES, Credit, Journeys, Touch
from tests import paths
from tests.paths import Path, Totals, Walk

PLACES = 4
DIRECT = 1
DAY = 86_400
# (channels by place, -1 for none; seconds before the end, each; converted; millionths; journeys it stands for)
Row = tuple[list[tuple[int, int]], bool, int, int]


def rows(places: int = PLACES, most: int = 6) -> st.SearchStrategy[list[Row]]:
    touch = st.tuples(st.integers(-1, places - 1), st.integers(0, 30 * DAY))
    value = st.one_of(st.just(0), st.integers(0, 500 * MILLIONTH))
    return st.lists(st.tuples(st.lists(touch, max_size=most), st.booleans(), value, st.integers(1, 3)), max_size=14)


def journeys(rows: list[Row]) -> Journeys:
    """As they are loaded: the touches of each in order of time. A value only where there was a conversion."""
    touches = [touch for row in rows for touch in in_time(row)]
    starts = np.concatenate([[0], np.cumsum([len(row[0]) for row in rows])]).astype(np.int64)
    columns = {name: np.zeros(len(rows), kind) for name, kind in TYPES.items()}
    columns |= {
        "converted": np.array([row[1] for row in rows], bool),
        "value": np.array([row[1] * row[2] for row in rows], np.int64),
        "weight": np.array([row[3] for row in rows], np.int64),
        "channel": np.array([place for place, _ in touches], np.int16),
        "campaign": np.array([place // 2 for place, _ in touches], np.int32),
        "age": np.array([age for _, age in touches], np.int32),
        "kind": np.full(len(touches), Touch.CLICK, np.int8),
    }
    return Journeys(starts, **columns, direct=DIRECT)


def table(rows: list[Row], name: Callable[[int], int] = int) -> list[Path]:
    """The same as paths, by name of place."""
    return [
        Path(
            tuple(name(place) for place, _ in in_time(row)),
            row[3] * row[1],
            row[1] * row[2] / MILLIONTH,
            row[3] * (not row[1]),
            tuple(age / DAY for _, age in in_time(row)),
        )
        for row in rows
    ]


def in_time(row: Row) -> list[tuple[int, int]]:
    return sorted(row[0], key=lambda touch: -touch[1])


def same(credit: Credit, expected: Totals, count: int = PLACES) -> None:
    """Touches of no place, and journeys without touches, are in what is kept apart."""
    apart = [name for name in expected if name in (None, -1)]
    for number, found, rest in (
        (0, credit.conversions, credit.none_conversions),
        (1, credit.value, credit.none_value),
    ):
        plain = [expected.get(place, (0.0, 0.0))[number] for place in range(count)]
        np.testing.assert_allclose(found, plain, rtol=1e-7, atol=1e-7)
        assert rest == pytest.approx(sum(expected[name][number] for name in apart), rel=1e-7, abs=1e-7)


@given(rows())
def test_every_model_shares_out_exactly_what_there_is(some: list[Row]) -> None:
    there = journeys(some)
    for axis, count in ((there.channel, PLACES), (there.campaign, 2)):
        credits = compute_all(there, axis, count)
        assert list(credits) == [model.key for model in MODELS]
        for credit in credits.values():
            assert credit.conversions.sum() + credit.none_conversions == pytest.approx(totals(there)[0])
            assert credit.value.sum() + credit.none_value == pytest.approx(totals(there)[1])
            assert (credit.conversions >= -1e-9).all() and (credit.value >= -1e-9).all()
            assert len(credit.conversions) == len(credit.value) == count


@given(rows())
def test_the_rules_are_what_their_sentences_say(some: list[Row]) -> None:
    there = journeys(some)
    for key, shares in (
        ("first", paths.first),
        ("last", paths.last),
        ("last_non_direct", paths.last_but(DIRECT)),
        ("linear", paths.linear),
        ("position", paths.position),
        ("time_decay", paths.time_decay),
    ):
        same(BY_KEY[key].compute(there, there.channel, PLACES), paths.shared(table(some), shares))


@given(rows(), st.sampled_from([0.5, 3, 30, 365]))
def test_time_decay_follows_its_half_life(some: list[Row], days: float) -> None:
    there = replace(journeys(some), half_life=days)
    same(BY_KEY["time_decay"].compute(there, there.channel, PLACES), paths.shared(table(some), paths.decaying(days)))


@given(rows())
def test_a_channels_share_is_that_of_its_campaigns_and_of_touches_without_one(some: list[Row]) -> None:
    there = journeys(some)
    for key in ("first", "last", "linear", "position", "time_decay"):
        by_channel = BY_KEY[key].compute(there, there.channel, PLACES)
        by_campaign = BY_KEY[key].compute(there, there.campaign, 2)
        np.testing.assert_allclose(by_campaign.conversions, by_channel.conversions.reshape(2, 2).sum(axis=1))


@given(rows(), st.integers(1, 3))
def test_removal_effects_are_what_the_chain_loses_when_it_is_solved_without_a_channel(some: list[Row], k: int) -> None:
    there = journeys(some)
    walk = Walk(table(some), k)
    expected = walk.removal_effects() if walk.times else {}
    found = removal_effects(there, there.channel, PLACES, k)
    plain = [expected.get(place, (0.0, 0.0))[0] for place in range(PLACES)]
    np.testing.assert_allclose(found, plain, rtol=1e-9, atol=1e-12)

    shares = paths.in_proportion(expected, *paths.touched(table(some))[:2])
    untouched = paths.shared([path for path in table(some) if not path.touches], paths.first)
    same(BY_KEY["markov" if k == 1 else f"markov_{k}"].compute(there, there.channel, PLACES), shares | untouched)


@given(rows())
def test_shapley_is_the_mean_over_all_orders(some: list[Row]) -> None:
    there = journeys(some)
    walk = Walk(table(some))
    times = paths.touched(table(some))[2]
    expected = {
        name: (conversions * times, value * times)
        for name, (conversions, value) in (walk.by_all_orders() if walk.times else {}).items()
    }
    untouched = paths.shared([path for path in table(some) if not path.touches], paths.first)
    same(BY_KEY["shapley"].compute(there, there.channel, PLACES), expected | untouched)


@given(rows(places=7), st.randoms(use_true_random=False))
def test_what_a_place_adds_in_one_order_is_the_difference_of_two_groups(some: list[Row], dice: object) -> None:
    there = journeys(some)
    walk = chain(there, there.channel, 7)
    plain = Walk(table(some, lambda place: 7 if place < 0 else place))
    order = np.arange(len(walk.places))
    dice.shuffle(order)  # type: ignore[attr-defined]
    assume(len(order))
    names = [int(walk.places[place]) for place in order]
    (added,) = shapley.joining(walk, order[None, :])
    before = np.zeros(2)
    for number, place in enumerate(order, 1):
        after = np.array(plain.worth(names[number:]))
        np.testing.assert_allclose(added[place], after - before, rtol=1e-8, atol=1e-9)
        before = after


@given(rows())
def test_a_row_that_stands_for_three_journeys_counts_as_three(some: list[Row]) -> None:
    single = [(touches, converted, value // weight * weight, weight) for touches, converted, value, weight in some]
    copies = [
        (touches, converted, value // weight, 1) for touches, converted, value, weight in some for _ in range(weight)
    ]
    together, apart = journeys(single), journeys(copies)
    one, other = (compute_all(there, there.channel, PLACES) for there in (together, apart))
    for key in one:
        np.testing.assert_allclose(one[key].conversions, other[key].conversions, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(one[key].value, other[key].value, rtol=1e-7, atol=1e-7)


@given(rows(), st.integers(2, 3))
def test_walking_and_solving_give_the_same(some: list[Row], order: int) -> None:
    there = journeys(some)
    walk = chain(there, there.channel, PLACES, order)
    assume(len(walk.places))
    np.testing.assert_allclose(walk.kept_by_walking(), walk.kept_by_solving(), rtol=1e-9, atol=1e-9)


def many(places: int, times: int = 4_000, *, seed: int = 1) -> Journeys:
    dice = np.random.default_rng(seed)
    likely = dice.dirichlet(np.ones(places))
    some = [
        ([(int(place), 30 * DAY - number) for number, place in enumerate(dice.choice(places, length, p=likely))],
         bool(dice.random() < 0.3), int(dice.integers(1, 100 * MILLIONTH)), 1)
        for length in dice.poisson(4, times)
    ]  # fmt: skip
    return journeys(some)


def test_above_twelve_channels_shapley_is_sampled_and_its_error_bars_hold() -> None:
    there = many(14)
    walk = chain(there, there.channel, 14)
    assert len(walk.places) == 14
    credit = BY_KEY["shapley"].compute(there, there.channel, 14)
    again = BY_KEY["shapley"].compute(there, there.channel, 14)
    assert credit.error is not None
    np.testing.assert_array_equal(credit.conversions, again.conversions)
    exact = shapley.exact(walk)[:, 0] * (there.lengths > 0).sum()
    assert (np.abs(credit.conversions - exact) <= 1.5 * credit.error).all()
    assert (credit.error < 0.02 * credit.conversions.sum()).all()


def test_up_to_twelve_channels_nothing_is_sampled() -> None:
    there = many(12)
    assert BY_KEY["shapley"].compute(there, there.channel, 12).error is None


def test_a_channel_that_nobody_met_gets_nothing() -> None:
    there = many(5)
    for credit in compute_all(there, there.channel, 9).values():
        assert credit.conversions[5:].tolist() == [0, 0, 0, 0]


def test_models_with_too_many_states_are_left_out_and_the_others_still_add_up() -> None:
    there = many(60)
    there = replace(there, campaign=there.channel.astype(np.int32))
    assert "markov_3" not in compute_all(there, there.campaign, 60)
    assert "markov_2" in compute_all(there, there.campaign, 60)


def test_no_journeys_give_no_credit() -> None:
    there = journeys([])
    for credit in compute_all(there, there.channel, 3).values():
        assert credit.conversions.tolist() == [0, 0, 0] and credit.none_conversions == 0
