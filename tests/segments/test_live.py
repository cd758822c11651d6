"""Live membership: equal to a full evaluation at every moment, whoever writes at the same time and whatever fails."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings

from cdp_site import sql, stages
from cdp_site.checks import run_all
from profiles.models import ChangedProfile, Profile
from profiles.models.people import RECORDS
from segments import changes, fill, live, members
from segments.models import ChangedMembership, Clock, Membership, MembershipChange, Segment, SegmentSize
from segments.rules import (
    All,
    Any,
    Changed,
    Events,
    Last,
    Not,
    PropertyFilter,
    Records,
    Sequence,
    Trait,
    days,
)
from tests.segments.meaning import Thing
from tests.segments.world import (
    NOW,
    add_records,
    changed,
    did,
    filled,
    flips,
    follow,
    happened,
    inside,
    name_id,
    person,
    segment,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MICRO = timedelta(microseconds=1)
BUYERS = did("Order Completed", within=days(60))


def test_a_purchase_brings_a_person_in_with_history_queue_and_size() -> None:
    ana, buyers = person(), segment(BUYERS)
    happened(ana, "Order Completed", NOW - HOUR)
    follow()
    assert inside(buyers) == {ana}
    assert flips(buyers) == [(ana, True)]
    assert list(ChangedMembership.objects.values_list("segment_id", "profile_id")) == [(buyers.id, ana)]
    buyers.refresh_from_db()
    assert buyers.size == 1
    assert SegmentSize.objects.values_list("hour", "size", "entered", "left").get() == (NOW, 1, 1, 0)


def test_draining_fills_follows_and_reports_how_many_came_and_went() -> None:
    ana, ben = person(country="ES"), person(country="FR")
    spaniards = changes.create("Spaniards", Trait("country", "is", "ES"))
    Profile.objects.filter(id=ben).update(traits={"country": "ES"})
    changed(ben)
    assert stages.drain_all()["membership_changes"] == 2
    assert inside(spaniards) == {ana, ben}
    assert stages.drain_all()["membership_changes"] == 0


def test_doing_it_again_changes_nothing() -> None:
    ana, buyers = person(), segment(BUYERS)
    happened(ana, "Order Completed", NOW - HOUR)
    follow()
    changed(ana)
    changed(ana, name_id("Order Completed"))
    follow(NOW + HOUR)
    assert flips(buyers) == [(ana, True)]


def test_time_alone_takes_a_person_out_to_the_microsecond() -> None:
    ana, buyers = person(), segment(BUYERS)
    bought = NOW - HOUR
    happened(ana, "Order Completed", bought)
    follow()
    follow(bought + 60 * DAY - MICRO)
    assert inside(buyers) == {ana}
    follow(bought + 60 * DAY)
    assert inside(buyers) == set()
    assert flips(buyers) == [(ana, True), (ana, False)]


def test_time_is_followed_from_the_first_fill_on() -> None:
    ana = person()
    happened(ana, "Order Completed", NOW, queued=False)
    buyers = segment(BUYERS)
    assert inside(buyers) == {ana}
    follow(NOW + 60 * DAY)
    assert inside(buyers) == set()


def test_time_alone_brings_in_who_has_not_done_it_for_long_enough() -> None:
    quiet = segment(did("Page Viewed", "at_most", 0, within=days(30)), "Quiet")
    ana = person()
    happened(ana, "Page Viewed", NOW - HOUR)
    changed(ana)
    follow()
    assert inside(quiet) == set()
    follow(NOW - HOUR + 30 * DAY)
    assert inside(quiet) == {ana}


def test_an_event_dated_in_the_future_counts_when_its_time_has_come() -> None:
    ana, buyers = person(), segment(BUYERS)
    happened(ana, "Order Completed", NOW + HOUR, arrived=NOW - MICRO)
    follow()
    assert inside(buyers) == set()
    follow(NOW + HOUR - MICRO)
    assert inside(buyers) == set()
    follow(NOW + HOUR)
    assert inside(buyers) == {ana}


def test_a_date_in_a_trait_moves_people_when_its_days_are_over() -> None:
    new = segment(Trait("created_at", "in_last_days", 7), "New")
    ana = person(created_at=(NOW - DAY).isoformat())
    soon = person(created_at=(NOW + DAY).isoformat())
    person(created_at="some day")
    for one in Profile.objects.all():
        changed(one.id)
    follow()
    assert inside(new) == {ana}
    follow(NOW + DAY)
    assert inside(new) == {ana, soon}
    follow(NOW + 6 * DAY - MICRO)
    assert inside(new) == {ana, soon}
    follow(NOW + 6 * DAY)
    assert inside(new) == {soon}
    follow(NOW + 8 * DAY)
    assert inside(new) == set()


def test_everybodys_dates_are_looked_at_only_when_one_is_due() -> None:
    segment(Trait("created_at", "in_last_days", 7), "New")
    person(created_at=(NOW - DAY).isoformat())
    follow()
    assert Clock.objects.get().dates_due == NOW + 6 * DAY
    ben = person(created_at=(NOW - 2 * DAY).isoformat())
    changed(ben)
    follow(NOW + HOUR)
    assert Clock.objects.get().dates_due == NOW + 5 * DAY


def test_only_segments_that_use_what_changed_are_asked() -> None:
    ana = person(country="ES")
    buyers, spaniards = segment(BUYERS), segment(Trait("country", "is", "es"), "Spaniards")
    assert inside(spaniards) == {ana}
    Profile.objects.filter(id=ana).update(traits={"country": "FR"})
    happened(ana, "Order Completed", NOW - HOUR)
    follow()
    assert (inside(buyers), inside(spaniards)) == ({ana}, {ana})
    changed(ana)
    follow()
    assert inside(spaniards) == set()


def test_a_merged_person_leaves_and_the_one_that_stays_enters() -> None:
    buyers = segment(BUYERS)
    ana, anonymous = person(), person()
    happened(anonymous, "Order Completed", NOW - HOUR)
    follow()
    sql.rows("UPDATE event SET profile_id = %s RETURNING 1", (ana,))
    Profile.objects.filter(id=anonymous).delete()
    changed(ana)
    changed(anonymous)
    follow()
    assert inside(buyers) == {ana}
    assert set(flips(buyers)) == {(anonymous, True), (anonymous, False), (ana, True)}


def test_a_draft_has_no_members_and_an_archived_segment_loses_them() -> None:
    ana = person(country="ES")
    draft = changes.create("Draft", Trait("country", "is", "ES"), live=False)
    filled()
    changed(ana)
    follow()
    assert inside(draft) == set()
    changes.set_live(draft)
    filled()
    assert inside(draft) == {ana}
    changes.archive(draft)
    filled()
    changed(ana)
    follow()
    assert inside(draft) == set()
    assert flips(draft) == [(ana, True), (ana, False)]


def test_a_new_rule_writes_the_difference_only() -> None:
    ana, ben, eva = person(country="ES"), person(country="FR"), person(country="ES", vip=True)
    one = segment(Trait("country", "is", "ES"))
    assert changes.save_rule(one, Any((Trait("vip", "is", True), Trait("country", "is", "FR"))))
    filled(NOW + HOUR)
    assert inside(one) == {ben, eva}
    assert set(flips(one)[2:]) == {(ana, False), (ben, True)}
    one.refresh_from_db()
    assert (one.size, one.version, one.versions.count(), one.filling_version) == (2, 2, 2, None)
    assert not changes.save_rule(one, Any((Trait("vip", "is", True), Trait("country", "is", "FR"))))


def test_a_fill_goes_on_where_it_was_stopped_and_live_changes_are_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fill, "CHUNK", 2)
    people = [person(country="ES") for _ in range(5)]
    one = changes.create("Spaniards", Trait("country", "is", "ES"))
    assert fill.go_on(NOW) == 2
    one.refresh_from_db()
    assert (one.fill_cursor, one.fill_done, one.fill_total) == (people[1], 2, 5)
    for moved in (people[0], people[4]):
        Profile.objects.filter(id=moved).update(traits={"country": "FR"})
        changed(moved)
    follow()
    filled()
    assert inside(one) == set(people[1:4])
    one.refresh_from_db()
    assert one.size == 3
    assert one.filled_at is not None


def test_very_many_candidates_are_left_to_a_full_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_CANDIDATES", 2)
    buyers = segment(BUYERS)
    for _ in range(4):
        happened(person(), "Order Completed", NOW - HOUR)
    follow()
    assert len(inside(buyers)) == 4
    follow(NOW + 60 * DAY)
    assert len(inside(buyers)) == 4
    filled(NOW + 60 * DAY)
    assert inside(buyers) == set()


def test_a_clock_that_was_set_back_undoes_nothing() -> None:
    ana, buyers = person(), segment(BUYERS)
    happened(ana, "Order Completed", NOW - 60 * DAY + HOUR)
    follow()
    follow(NOW + HOUR)
    changed(ana)
    follow(NOW)
    assert inside(buyers) == set()


def test_a_batch_that_fails_leaves_the_queue_and_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    ana, buyers = person(), segment(BUYERS)
    follow()
    happened(ana, "Order Completed", NOW)
    with monkeypatch.context() as broken:
        broken.setattr(members, "_write_sizes", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            live.follow(NOW + HOUR)
    assert Clock.objects.get().at == NOW
    assert ChangedProfile.objects.count() == 1
    assert (inside(buyers), flips(buyers)) == (set(), [])
    follow(NOW + HOUR)
    assert inside(buyers) == {ana}


def test_many_rules_ask_for_the_same_events_once() -> None:
    ana = person(country="ES")
    shoes = did("Order Completed", where=(PropertyFilter("category", "is", "shoes"),), within=days(90))
    rules = [
        shoes,
        BUYERS,
        All((shoes, Trait("country", "is", "ES"))),
        Not(shoes),
        did("Order Completed", "exactly", 2),
    ]
    made = [segment(rule, f"Segment {number}") for number, rule in enumerate(rules)]
    happened(ana, "Order Completed", NOW - DAY, {"category": "Shoes"})
    happened(ana, "Order Completed", NOW - 80 * DAY, {"category": "coats"})
    follow()
    assert [inside(one) == {ana} for one in made] == [True, True, True, False, True]


def test_a_rule_that_cannot_be_read_stops_nobody_else() -> None:
    ana = person(country="ES")
    broken, other = segment(Trait("country", "is", "ES"), "Broken"), segment(Trait("country", "is", "FR"), "Other")
    Segment.objects.filter(id=broken.id).update(rule={"trait": "country"})
    fill.start(broken)
    filled()
    Profile.objects.filter(id=ana).update(traits={"country": "FR"})
    changed(ana)
    follow()
    assert (inside(broken), inside(other)) == ({ana}, {ana})
    assert [finding.name for finding in run_all() if "segment " in finding.detail] == [
        "membership equals a full evaluation"
    ]


def test_a_deleted_segment_takes_its_members_along() -> None:
    person(country="ES")
    segment(Trait("country", "is", "ES")).delete()
    assert not Membership.objects.exists()
    assert not MembershipChange.objects.exists()
    assert not ChangedMembership.objects.exists()


def test_a_record_brings_a_person_in_and_its_end_takes_them_out() -> None:
    holders = segment(Records("ticket"), "Open ticket")
    renewing = segment(Records("subscription", where=(PropertyFilter("ends_at", "in_next_days", 7),)), "Renews soon")
    ana = person()
    add_records({ana: [Thing("ticket", NOW, closed_at=NOW + 2 * DAY)]})
    add_records({ana: [Thing("subscription", NOW, properties={"ends_at": (NOW + 10 * DAY).isoformat()})]})
    changed(ana, RECORDS)
    follow()
    assert (inside(holders), inside(renewing)) == ({ana}, set())
    follow(NOW + 2 * DAY - MICRO)
    assert inside(holders) == {ana}
    follow(NOW + 2 * DAY)
    assert inside(holders) == set()
    follow(NOW + 3 * DAY - MICRO)
    assert inside(renewing) == set()
    follow(NOW + 3 * DAY)
    assert inside(renewing) == {ana}
    follow(NOW + 10 * DAY)
    assert inside(renewing) == set()


def test_a_change_of_records_asks_only_who_uses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    segment(Records("ticket"), "Open ticket")
    segment(BUYERS)
    ana = person()
    follow()
    asked: list[int] = []
    evaluate = live.evaluate
    monkeypatch.setattr(live, "evaluate", lambda rule, *rest: asked.append(1) or evaluate(rule, *rest))
    changed(ana, RECORDS)
    follow()
    assert len(asked) == 1


@override_settings(TIME_ZONE="Europe/Madrid")
def test_a_birthday_begins_at_midnight_of_the_company() -> None:
    today = segment(Trait("birthday", "birthday_in", 0), "Birthday")
    ana = person(birthday="1990-06-16")
    changed(ana)
    follow()
    assert inside(today) == set()
    midnight = datetime(2026, 6, 15, 22, 0, tzinfo=UTC)
    follow(midnight - MICRO)
    assert inside(today) == set()
    follow(midnight)
    assert inside(today) == {ana}
    follow(midnight + DAY)
    assert inside(today) == set()


def test_each_half_of_a_period_has_an_edge() -> None:
    """Bought twice, 30 days apart: less than before as soon as the second is more than 30 days ago, until it is 60."""
    slipping = segment(Changed("fewer", Events("Order Completed"), days(30)), "Slipping")
    ana = person()
    happened(ana, "Order Completed", NOW)
    follow()
    assert inside(slipping) == set()
    follow(NOW + 30 * DAY - MICRO)
    assert inside(slipping) == set()
    follow(NOW + 30 * DAY)
    assert inside(slipping) == {ana}
    follow(NOW + 60 * DAY)
    assert inside(slipping) == set()


def test_who_looked_and_did_not_buy_leaves_with_the_window() -> None:
    looked, bought = Events("Product Viewed"), Events("Order Completed")
    lookers = segment(Sequence((looked, looked), days(1), bought, Last(days(7))), "Lookers")
    ana, ben = person(), person()
    for one in (ana, ben):
        happened(one, "Product Viewed", NOW - 2 * HOUR)
        happened(one, "Product Viewed", NOW - HOUR)
    happened(ben, "Order Completed", NOW)
    follow()
    assert inside(lookers) == {ana}
    follow(NOW - 2 * HOUR + 7 * DAY)
    assert inside(lookers) == set()
