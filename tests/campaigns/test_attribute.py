"""From messages to journeys, through the whole house: stitched, taken back, followed, and computed anew."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from campaigns.attribution import attribute, goals, keep
from campaigns.attribution.doctor import days_are_known, journeys_are_true
from campaigns.models import Channel, Goal, Journey, JourneyBlock, Origin
from cdp_site import stages
from connectors.models import Source
from profiles import hand
from profiles.identifiers import ANONYMOUS, USER
from segments.models import EvaluatedProfile
from tests.campaigns.world import Told, follow, goal, journeys, order, page, sources, tell, track
from tests.stream import person, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> dict[str, Source]:
    return sources()


def well() -> list[str]:
    return [*journeys_are_true(), *days_are_known()]


def test_an_anonymous_ad_click_counts_for_whoever_later_buys_in_the_store(house: dict[str, Source]) -> None:
    tell(house["ads"], track("Ad Clicked", 0, anonymous="a", network="google", campaign="Spring"))
    tell(house["web"], page("a", 0, minutes=1, query="?utm_source=google&utm_campaign=spring"))
    assert journeys() == [Told(False, 0, False, ["spring"])], "the click and the page that it led to are one"
    tell(house["till"], order(5, "T1", 40, user="ana"))
    assert journeys() == [Told(False, 0, False, ["spring"]), Told(True, 40, True, [])]
    tell(house["web"], {"type": "identify", "userId": "ana", "anonymousId": "a", "messageId": "i"})
    assert journeys() == [Told(True, 40, True, ["spring"])]
    assert EvaluatedProfile.objects.count() == 0
    assert well() == []


def test_parted_people_have_journeys_of_their_own(house: dict[str, Source]) -> None:
    tell(house["ads"], track("Ad Clicked", 0, anonymous="a", network="google", campaign="Spring"))
    tell(house["web"], {"type": "identify", "userId": "ana", "anonymousId": "a", "messageId": "i"})
    tell(house["till"], order(5, "T1", 40, user="ana"))
    assert journeys() == [Told(True, 40, True, ["spring"])]
    hand.cut((USER, "ana"), (ANONYMOUS, "a"), "ines", "two people")
    follow()
    assert person(ANONYMOUS, "a").id != person(USER, "ana").id
    assert journeys() == [Told(False, 0, False, ["spring"]), Told(True, 40, True, [])]
    assert well() == []


def test_a_late_message_takes_its_place(house: dict[str, Source]) -> None:
    tell(house["web"], page("a", 0, referrer="https://www.google.com/"), order(1, "1", 10, anonymous="a"))
    tell(house["web"], order(3, "2", 20, anonymous="a"))
    assert [one.touches for one in journeys()] == [["google.com", "direct"], ["direct"]]
    tell(house["email"], track("Email Link Clicked", 2, anonymous="a", subject="May"))
    assert [one.touches for one in journeys()] == [["google.com", "direct"], ["may", "direct"]]
    assert well() == []


def test_refunds_and_cancellations_take_value_back(house: dict[str, Source]) -> None:
    tell(house["till"], *(order(day, f"T{day}", 100, user="ana") for day in (1, 2, 3, 4)))
    tell(
        house["till"],
        track("Order Refunded", 5, user="ana", order_id="T1", total=30),
        track("Order Refunded", 6, user="ana", order_id="T1", total=30),
        track("Order Refunded", 6, user="ana", order_id="T2"),
        track("Order Cancelled", 6, user="ana", order_id="T3", total=90),
        track("Order Refunded", 6, user="ana", order_id="T4", total=500),
        track("Order Refunded", 6, user="ana", order_id="unknown", total=5),
    )
    assert [(one.converted, one.value, one.new) for one in journeys()] == [
        (True, 40, True),
        (False, 0, False),
        (False, 0, False),
        (False, 0, False),
    ]
    assert list(Journey.objects.order_by("time").values_list("back", flat=True)) == [
        60_000_000, 100_000_000, 100_000_000, 100_000_000,
    ]  # fmt: skip
    tell(house["till"], track("Order Cancelled", 7, user="ana", order_id="T1"))
    assert not Journey.objects.filter(new=True).exists()
    assert well() == []


def test_an_order_that_is_sent_twice_counts_once_and_the_first_counts(house: dict[str, Source]) -> None:
    tell(house["till"], order(2, "T1", 50, user="ana"))
    tell(house["web"], order(1, "T1", 45, user="ana"))
    assert [(one.value, one.touches) for one in journeys()] == [(45, ["direct"])]
    assert well() == []


def test_another_currency_counts_without_its_value(house: dict[str, Source]) -> None:
    tell(house["till"], order(1, "T1", 50, user="ana", currency="usd"), order(2, "T2", 5, user="ana"))
    assert list(Journey.objects.order_by("time").values_list("converted", "value", "other_currency")) == [
        (True, 0, True),
        (True, 5_000_000, False),
    ]


def test_a_goal_may_ask_for_more_than_an_event(house: dict[str, Source]) -> None:
    of = goal(where=[{"property": "store", "is": "goya"}])
    goals.save(of)
    tell(house["till"], order(1, "T1", 50, user="ana", store="Goya"), order(2, "T2", 5, user="ana", store="Sol"))
    assert [one.value for one in journeys()] == [50]
    assert well() == []


def test_a_changed_goal_is_computed_anew_for_everybody(house: dict[str, Source]) -> None:
    tell(house["web"], page("a", 0, referrer="https://google.com/"), order(20, "1", 10, anonymous="a"))
    assert [one.touches for one in journeys()] == [["google.com", "direct"]]
    of = goal(lookback_days=7)
    goals.save(of)
    of.refresh_from_db()
    assert (of.cursor, of.done, of.total) == (0, 0, 1)
    follow("attribute")
    of.refresh_from_db()
    assert (of.cursor, of.done, of.total) == (None, 1, 1)
    assert journeys() == [Told(False, 0, False, ["google.com"]), Told(True, 10, True, ["direct"])]
    of.margin = 0
    goals.save(of)
    of.refresh_from_db()
    assert of.cursor is None, "what a goal's journeys don't follow from computes nothing"


def test_two_goals_have_journeys_of_their_own_and_a_removed_one_leaves_none(house: dict[str, Source]) -> None:
    other = Goal(name="Sign-ups", event="Signed Up")
    goals.save(other)
    tell(house["web"], page("a", 0), track("Signed Up", 1, anonymous="a"), order(2, "1", 10, anonymous="a"))
    assert len(journeys(other)) == 2
    assert len(journeys(Goal.objects.get(name="Orders"))) == 1
    goals.remove(other)
    follow("attribute")
    assert not Journey.objects.exclude(goal_id=Goal.objects.get().id).exists()
    assert set(JourneyBlock.objects.values_list("goal_id", flat=True)) == {Goal.objects.get().id}


def test_a_goal_at_rest_keeps_nothing_and_wakes_again(house: dict[str, Source]) -> None:
    tell(house["web"], page("a", 0), order(2, "1", 10, anonymous="a"))
    before = journeys()
    goals.save(goal(enabled=False))
    follow("attribute")
    assert journeys() == []
    goals.save(goal(enabled=True))
    follow("attribute")
    assert journeys() == before != []


def test_days_that_changed_are_marked_and_others_are_not(house: dict[str, Source]) -> None:
    tell(house["web"], page("a", 0), order(2, "1", 10, anonymous="a"), order(9, "2", 10, anonymous="a"))
    assert {str(day) for day in JourneyBlock.objects.values_list("day", flat=True)} == {"2026-03-03", "2026-03-10"}
    JourneyBlock.objects.update(stale=False)
    tell(house["till"], track("Order Refunded", 12, anonymous="a", order_id="2", total=3))
    assert [str(day) for day in JourneyBlock.objects.filter(stale=True).values_list("day", flat=True)] == ["2026-03-10"]
    JourneyBlock.objects.update(stale=False)
    tell(house["till"], track("Tidied Up", 12, anonymous="a"))
    assert not JourneyBlock.objects.filter(stale=True).exists()


def test_the_day_of_a_journey_is_the_companys(house: dict[str, Source]) -> None:
    tell(house["till"], order(0.49, "1", 10, user="ana"))
    assert str(Journey.objects.get().day) == "2026-03-02", "23:45 in London is the next day in Madrid"


def test_origins_are_kept_once_and_have_a_channel(house: dict[str, Source]) -> None:
    tell(house["web"], page("a", 0, query="?gclid=1"), page("b", 0, query="?gclid=2"), page("c", 0))
    assert Origin.objects.count() == 2
    assert {one.channel for one in Origin.objects.select_related("channel")} == {
        Channel.objects.get(name="Paid Search"),
        Channel.objects.get(name="Direct"),
    }


def test_what_finds_no_room_in_the_dictionary_is_one_origin(
    house: dict[str, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.attribution.origins.MOST_ORIGINS", 1)
    tell(house["web"], page("a", 0), page("b", 0, query="?gclid=2"), page("c", 0, query="?fbclid=3"))
    assert sorted(Journey.objects.values_list("origins", flat=True)) == [[0], [0], [1]]
    assert Origin.objects.get(id=0).event == "too many origins"
    assert well() == []


def test_another_category_of_a_source_makes_other_journeys(house: dict[str, Source]) -> None:
    tell(house["till"], track("Looked Around", 0, anonymous="a"))
    assert journeys() == []
    house["till"].category = "app"
    house["till"].save()
    follow("attribute")
    assert [one.touches for one in journeys()] == [["direct"]]
    assert well() == []


def test_views_and_store_visits_and_calls_are_touchpoints(house: dict[str, Source]) -> None:
    tell(house["ads"], track("Ad Viewed", 0, user="ana", network="google", campaign="Spring"))
    tell(house["app"], track("Store Visited", 1, user="ana"))
    tell(house["help"], track("Call Ended", 2, user="ana"), track("Ticket Opened", 3, user="ana", channel="e-mail"))
    tell(house["till"], order(4, "1", 10, user="ana"))
    one = Journey.objects.get()
    assert (one.kinds, one.ages) == ([2, 3, 3], [4 * 86_400, 3 * 86_400, 2 * 86_400])
    assert journeys()[0].touches == ["spring", "store visited", "phone call"]


def test_what_tells_of_neither_touchpoint_nor_conversion_is_not_looked_at(
    house: dict[str, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(house["till"], order(1, "1", 10, user="ana"))
    looked: list[object] = []
    monkeypatch.setattr(attribute, "keep", lambda people, goals: looked.append(people))
    tell(house["email"], {"type": "group", "userId": "ana", "groupId": "g", "messageId": "x"})
    assert looked == []
    assert EvaluatedProfile.objects.count() == 0


def test_the_doctor_sees_what_is_wrong(house: dict[str, Source]) -> None:
    tell(house["till"], order(1, "1", 10, user="ana"))
    Journey.objects.update(value=1)
    assert len(list(journeys_are_true())) == 1
    call_command("attribution", "recompute", "--json", stdout=StringIO())
    assert list(journeys_are_true()) == []
    JourneyBlock.objects.all().delete()
    assert len(list(days_are_known())) == 1


def test_who_waits_in_the_queue_is_not_judged(house: dict[str, Source]) -> None:
    tell(house["till"], order(1, "1", 10, user="ana"))
    send(house["till"], order(2, "2", 10, user="ana"))
    follow("resolve")
    assert list(journeys_are_true()) == []
    follow("evaluate")
    assert list(journeys_are_true()) == []


def test_the_command_computes_anew_and_reports(house: dict[str, Source]) -> None:
    tell(house["till"], order(1, "1", 10, user="ana"), order(1, "2", 10, user="ben"))
    Journey.objects.all().delete()
    out = StringIO()
    call_command("attribution", "recompute", "--goal", "Orders", "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert {**report, "seconds": 0} == {"goals": 1, "people": 2, "journeys": 2, "conversions": 2, "seconds": 0}
    with pytest.raises(CommandError, match="no goal “Nothing”"):
        call_command("attribution", "recompute", "--goal", "Nothing")


def test_draining_does_it_all(house: dict[str, Source]) -> None:
    send(house["till"], order(1, "1", 10, user="ana"))
    report = stages.drain_all()
    assert report["people_attributed"] >= 1
    assert len(journeys()) == 1


def test_a_full_computation_goes_on_where_it_was_stopped(
    house: dict[str, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(house["till"], *(order(1, str(number), 10, user=f"u{number}") for number in range(5)))
    expected = journeys()
    Journey.objects.all().delete()
    monkeypatch.setattr(attribute, "CHUNK", 2)
    goals.recompute()
    assert stages.work_once("attribute") == 2
    of = Goal.objects.get()
    assert (of.done, of.total, of.cursor is None) == (2, 5, False)
    assert len(journeys()) == 2
    follow("attribute")
    assert journeys() == expected


def test_a_batch_that_fails_leaves_everything_as_it_was(
    house: dict[str, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    send(house["till"], *(order(1, str(number), 10, user=f"u{number}") for number in range(4)))
    follow("resolve", "evaluate")
    waiting = EvaluatedProfile.objects.count()
    monkeypatch.setattr(attribute, "PEOPLE", 2)
    whole, seen = keep.keep, []

    def once(people: keep.People, goals: list[Goal]) -> int:
        seen.append(people)
        if len(seen) == 2:
            raise RuntimeError("killed")
        return whole(people, goals)

    monkeypatch.setattr(attribute, "keep", once)
    with pytest.raises(RuntimeError):
        stages.work_once("attribute")
    assert (EvaluatedProfile.objects.count(), Journey.objects.count()) == (waiting, 0)
    follow("attribute")
    assert (EvaluatedProfile.objects.count(), Journey.objects.count()) == (0, 4)


def test_without_goals_the_queue_is_emptied_all_the_same(house: dict[str, Source]) -> None:
    Goal.objects.all().delete()
    tell(house["till"], order(1, "1", 10, user="ana"))
    assert EvaluatedProfile.objects.count() == 0
    goals.save(Goal(name="Orders", event="Order Completed"))
    follow("attribute")
    assert len(journeys()) == 1


def test_while_much_waits_in_the_inbox_nobody_is_seen_to_and_then_everybody_once(
    house: dict[str, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribute, "BODIES", 2)
    send(house["till"], {**order(5, "T1", 40, user="ana"), "messageId": "1"})
    stages.work_once("resolve")
    stages.work_once("evaluate")
    for number in range(2):
        send(house["till"], {**order(6, f"S{number}", 10, user="ana"), "messageId": f"s{number}"})
    assert stages.work_once("attribute") == 0 and journeys() == []
    monkeypatch.setattr(attribute, "GATHERED", 1)
    assert stages.work_once("attribute") > 0 and len(journeys()) == 1, "unless too much has gathered"
    stages.drain_all()
    assert len(journeys()) == 3
    assert well() == []
