"""The top of all people: who is in it, when everybody is ranked anew, and whom that moves."""

from datetime import timedelta

import pytest

from segments import changes, rerank
from segments.counting import count
from segments.models import Ranking, Segment
from segments.ranking import rank
from segments.rules import Events, Last, Not, Top, Total, days, key
from tests.segments.world import NOW, changed, filled, follow, happened, inside, person, segment

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
ORDERS = Total("count", "", Events("Order Completed"))


def _buyers(*orders: int) -> list[int]:
    people = [person() for _ in orders]
    for one, number in zip(people, orders, strict=True):
        for _ in range(number):
            happened(one, "Order Completed", NOW - HOUR)
    return people


def test_who_has_as_much_as_the_last_of_the_top_is_in_as_well() -> None:
    first, second, third, _, _ = _buyers(5, 3, 3, 1, 0)
    top = segment(Top(2, "people", ORDERS))
    assert inside(top) == {first, second, third}


def test_per_cent_are_of_those_who_have_any_rounded_up() -> None:
    people = _buyers(5, 4, 3, 2, 1, 0, 0, 0)
    assert count(Top(20, "percent", ORDERS), NOW).count == 1
    assert count(Top(21, "percent", ORDERS), NOW).count == 2
    assert count(Top(100, "percent", ORDERS), NOW).count == 5
    assert count(Top(1_000, "people", ORDERS), NOW).count == 5
    assert count(Not(Top(100, "percent", ORDERS)), NOW).count == len(people) - 5


def test_nobody_is_in_the_top_of_nothing() -> None:
    _buyers(0, 0)
    assert count(Top(50, "percent", ORDERS), NOW).count == 0
    assert count(Top(50, "percent", "points"), NOW).count == 0


def test_a_traits_number_ranks_whether_it_is_sent_as_number_or_text() -> None:
    ana, ben, _ = person(score_churn="0.9"), person(score_churn=0.8), person(score_churn=0.7)
    person(score_churn="high")
    top = segment(Top(2, "people", "score_churn"))
    assert inside(top) == {ana, ben}


def test_the_threshold_stands_for_an_hour_and_then_moves_people() -> None:
    ana, ben = _buyers(2, 1)
    top = segment(Top(1, "people", ORDERS))
    assert inside(top) == {ana}
    for _ in range(3):
        happened(ben, "Order Completed", NOW)
    follow()
    # Both have as much as the threshold of the last ranking.
    assert inside(top) == {ana, ben}
    assert rerank.refresh(NOW + HOUR / 2) == 0
    assert rerank.refresh(NOW + HOUR) == 1
    assert Segment.objects.get(id=top.id).filling_version is not None
    filled(NOW + HOUR)
    assert inside(top) == {ben}


def test_a_threshold_that_stays_fills_nothing() -> None:
    _buyers(2, 1)
    top = segment(Top(1, "people", ORDERS))
    assert rerank.refresh(NOW + HOUR) == 1
    assert Segment.objects.get(id=top.id).filling_version is None
    assert Ranking.objects.get().at == NOW + HOUR


def test_a_new_rule_is_ranked_before_it_is_filled() -> None:
    """Or everybody would leave and come back."""
    ana, ben = _buyers(2, 1)
    top = segment(Top(1, "people", ORDERS))
    changes.save_rule(top, Top(2, "people", ORDERS))
    filled()
    assert inside(top) == {ana, ben}
    assert top.versions.count() == 2


def test_the_value_goes_down_with_its_window() -> None:
    recent = Total("count", "", Events("Order Completed"), Last(days(7)))
    ana, _ = _buyers(2, 1)
    top = segment(Top(1, "people", recent))
    assert inside(top) == {ana}
    follow(NOW + timedelta(days=7))
    assert inside(top) == set()


def test_what_no_segment_asks_for_any_more_is_forgotten() -> None:
    top = segment(Top(1, "people", ORDERS))
    changes.archive(top)
    assert Ranking.objects.count() == 1
    assert rerank.refresh(NOW) == 0
    assert Ranking.objects.count() == 0


def test_one_pass_ranks_all_that_go_by_the_same() -> None:
    _buyers(5, 4, 3, 2, 1)
    asked = [Top(1, "people", ORDERS), Top(60, "percent", ORDERS), Top(1, "people", "points")]
    assert rank(asked, NOW) == {key(asked[0]): 5, key(asked[1]): 3, key(asked[2]): float("inf")}


def test_somebody_new_is_judged_by_the_last_ranking() -> None:
    _buyers(3)
    top = segment(Top(50, "percent", ORDERS))
    eva = person()
    for _ in range(3):
        happened(eva, "Order Completed", NOW)
    changed(eva)
    follow()
    assert eva in inside(top)
