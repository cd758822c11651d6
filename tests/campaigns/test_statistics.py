"""The numbers of experiments against other ways to them: SciPy's own tests, published figures, and by hand."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from campaigns.experiments.statistics import (
    Tally,
    planned,
    rate_difference,
    sample_ratio,
    share_added,
    smallest_rate,
    smallest_value,
    value_difference,
)


def tally(values: list[float], converted: int | None = None) -> Tally:
    exact = [Decimal(str(value)) for value in values]
    did = sum(value > 0 for value in exact) if converted is None else converted
    return Tally(len(exact), did, sum(exact, Decimal()), sum((value * value for value in exact), Decimal()))


def test_the_published_e_mail_test_has_its_published_intervals() -> None:
    none, mens, womens = Tally(21_306, 2_262), Tally(21_307, 3_894), Tally(21_387, 3_238)
    men, women = rate_difference(mens, none), rate_difference(womens, none)
    assert men and women
    assert [round(100 * one, 2) for one in (men.estimate, men.low, men.high)] == [7.66, 7.00, 8.32]
    assert [round(100 * one, 2) for one in (women.estimate, women.low, women.high)] == [4.52, 3.89, 5.16]


@given(
    st.lists(st.integers(0, 500), min_size=3, max_size=40).filter(lambda values: len(set(values)) > 1),
    st.lists(st.integers(0, 500), min_size=3, max_size=40).filter(lambda values: len(set(values)) > 1),
)
def test_the_interval_of_values_is_welchs(treated: list[int], control: list[int]) -> None:
    found = value_difference(tally(treated), tally(control))
    expected = stats.ttest_ind(treated, control, equal_var=False).confidence_interval(0.95)
    assert found
    assert math.isclose(found.estimate, float(np.mean(treated) - np.mean(control)), abs_tol=1e-9)
    assert math.isclose(found.low, expected.low, abs_tol=1e-8)
    assert math.isclose(found.high, expected.high, abs_tol=1e-8)


def test_large_sums_lose_nothing_in_the_variance() -> None:
    values = [1_000_000.01, 1_000_000.02, 1_000_000.03]
    assert math.isclose(tally(values).variance, 0.0001, rel_tol=1e-9)


def test_groups_in_which_all_are_alike_have_an_interval_of_no_width() -> None:
    found = value_difference(tally([5.0, 5.0]), tally([3.0, 3.0]))
    assert found
    assert (found.estimate, found.low, found.high) == (2, 2, 2)


def test_nobody_to_compare_with_gives_no_interval() -> None:
    assert rate_difference(Tally(10, 3), Tally()) is None
    assert value_difference(Tally(10, 3), Tally(1, 1)) is None
    assert share_added(Tally(10, 0), Tally(10, 1)) is None
    assert smallest_rate(0, Tally(10, 1)) is None
    assert smallest_value(5, Tally(1, 1)) is None
    assert sample_ratio([0, 0], [0.5, 0.5]) is None


def test_the_smallest_lift_is_found_in_four_tests_of_five() -> None:
    control, people = Tally(4_000, 400), 4_000
    smallest = smallest_rate(people, control)
    assert smallest
    chance = np.random.default_rng(7)
    treated = chance.binomial(people, 0.1 + smallest, 20_000)
    others = chance.binomial(people, 0.1, 20_000)
    found = 0
    for one, other in zip(treated, others, strict=True):
        interval = rate_difference(Tally(people, int(one)), Tally(people, int(other)))
        found += bool(interval and interval.sure)
    assert 0.77 < found / 20_000 < 0.83


def test_an_interval_of_a_rate_holds_the_truth_in_95_of_100_tests() -> None:
    chance = np.random.default_rng(11)
    treated, control = chance.binomial(3_000, 0.12, 10_000), chance.binomial(3_000, 0.1, 10_000)
    intervals = [
        rate_difference(Tally(3_000, int(a)), Tally(3_000, int(b))) for a, b in zip(treated, control, strict=True)
    ]
    assert 0.94 < sum(one.low < 0.02 < one.high for one in intervals if one) / 10_000 < 0.96


def test_the_share_that_was_added_has_katz_interval() -> None:
    found = share_added(Tally(1_000, 200), Tally(1_000, 100))
    assert found
    half = 1.959963984540054 * math.sqrt(1 / 200 - 1 / 1_000 + 1 / 100 - 1 / 1_000)
    assert math.isclose(found.estimate, 0.5)
    assert math.isclose(found.low, 1 - 0.5 * math.exp(half))
    assert math.isclose(found.high, 1 - 0.5 * math.exp(-half))


@given(st.lists(st.integers(1, 5_000), min_size=2, max_size=6))
def test_the_check_of_the_split_is_the_chi_square_test(people: list[int]) -> None:
    found = sample_ratio(people, [1 / len(people)] * len(people))
    assert found
    assert math.isclose(found.p, stats.chisquare(people).pvalue, rel_tol=1e-9, abs_tol=1e-300)


def test_a_lost_twentieth_of_one_arm_is_noticed() -> None:
    assert not sample_ratio([10_050, 9_950], [0.5, 0.5]).odd  # type: ignore[union-attr]
    assert sample_ratio([10_000, 9_500], [0.5, 0.5]).odd  # type: ignore[union-attr]
    assert not sample_ratio([9_000, 1_000], [0.9, 0.1]).odd  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([None, None], [0.5, 0.5]),
        ([0.1, None], [0.1, 0.9]),
        ([0.2, None, None], [0.2, 0.4, 0.4]),
        ([0.5, 0.5], [0.5, 0.5]),
        ([1.0, None], None),
        ([0.0, None], None),
        ([], None),
    ],
)
def test_arms_without_a_planned_share_have_what_is_left(
    shares: list[float | None], expected: list[float] | None
) -> None:
    assert planned(shares) == (pytest.approx(expected) if expected else None)
