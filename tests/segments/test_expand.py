"""Segments that ask for others: they follow them, and nothing that would make no sense can be saved."""

import pytest
from django.db import transaction

from cdp_site import sql
from cdp_site.checks import run_all
from profiles.models import Profile
from segments import changes
from segments.models import Segment
from segments.rules import All, Any, InSegment, Not, RuleError, Trait, days, from_json
from tests.segments.world import NOW, changed, did, filled, flips, follow, happened, inside, person, segment

pytestmark = pytest.mark.django_db
BUYERS = did("Order Completed", within=days(60))


def test_a_segment_follows_the_one_that_it_asks_for() -> None:
    ana, ben = person(country="ES", vip=True), person(country="FR", vip=True)
    vip = segment(Trait("vip", "is", True), "VIP")
    spanish = segment(All((InSegment("VIP"), Trait("country", "is", "ES"))), "VIP in Spain")
    buyers = segment(BUYERS)
    outside = segment(All((Not(InSegment("Buyers")), InSegment("VIP in Spain"))), "VIP in Spain, no order")
    assert (inside(spanish), inside(outside)) == ({ana}, {ana})
    happened(ana, "Order Completed", NOW)
    follow()
    assert (inside(buyers), inside(outside)) == ({ana}, set())
    changes.save_rule(vip, Trait("country", "is", "FR"))
    filled()
    assert (inside(vip), inside(spanish), inside(outside)) == ({ben}, set(), set())


def test_segments_that_ask_in_a_circle_are_refused_with_the_way_round() -> None:
    first = changes.create("First", Trait("vip", "is", True))
    changes.create("Second", InSegment("First"))
    changes.create("Third", Not(InSegment("Second")))
    with pytest.raises(RuleError, match="First → Third → Second → First"):
        changes.save_rule(first, Any((InSegment("Third"), Trait("vip", "is", True))))
    with pytest.raises(RuleError, match="Itself → Itself"):
        changes.create("Itself", Not(InSegment("Itself")))
    with pytest.raises(RuleError, match="'Nobody', which isn't there or is archived"):
        changes.create("Other", InSegment("Nobody"))
    assert not Segment.objects.filter(name__in=["Itself", "Other"]).exists()


def test_who_is_asked_for_by_twos_is_refused_before_it_is_thousands() -> None:
    changes.create("0", Trait("vip", "is", True), live=False)
    for number in range(9):
        changes.create(str(number + 1), _twice(number), live=False)
    with pytest.raises(RuleError, match=r"more than 2,000 conditions"):
        changes.create("10", _twice(9), live=False)
    first = Segment.objects.get(name="0")
    with pytest.raises(RuleError, match=r"makes “9” one of more than 2,000 conditions"):
        changes.save_rule(first, All((Trait("vip", "is", True), Trait("country", "exists"))))


def _twice(number: int) -> All:
    return All((InSegment(str(number)), Not(InSegment(str(number)))))


def test_a_segment_that_another_asks_for_is_neither_archived_nor_deleted() -> None:
    vip = segment(Trait("vip", "is", True), "VIP")
    asking = segment(InSegment("VIP"), "Asks")
    with pytest.raises(changes.StillAsked, match="“VIP” can't be archived: “Asks” ask for it"):
        changes.archive(vip)
    with pytest.raises(changes.StillAsked, match="“VIP” can't be deleted"), transaction.atomic():
        vip.delete()
    changes.archive(asking)
    changes.archive(vip)
    with pytest.raises(RuleError, match="'VIP', which isn't there or is archived"):
        changes.set_live(asking)


def test_a_new_name_is_a_new_name_in_the_rules_that_ask_for_it() -> None:
    ana = person(vip=True)
    vip = segment(Trait("vip", "is", True), "VIP")
    asking = segment(Any((InSegment("VIP"), Trait("x", "exists"))), "Asks")
    changes.rename(vip, "Best customers")
    asking.refresh_from_db()
    assert from_json(asking.rule) == Any((InSegment("Best customers"), Trait("x", "exists")))
    assert asking.versions.get().rule == asking.rule
    Profile.objects.filter(id=ana).update(traits={})
    changed(ana)
    follow()
    assert flips(asking) == [(ana, True), (ana, False)]
    assert Segment.objects.get(id=asking.id).filling_version is None


def test_a_segment_that_asks_for_one_that_is_gone_stays_as_it_is_and_the_doctor_says_so() -> None:
    ana = person(vip=True)
    vip = segment(Trait("vip", "is", True), "VIP")
    asking = segment(InSegment("VIP"), "Asks")
    # As by hand in the database.
    sql.rows("DELETE FROM segment_version WHERE segment_id = %s RETURNING 1", (vip.pk,))
    sql.rows("DELETE FROM segment WHERE id = %s RETURNING 1", (vip.pk,))
    Profile.objects.filter(id=ana).update(traits={})
    changed(ana)
    follow()
    assert inside(asking) == {ana}
    found = next(finding for finding in run_all() if finding.name == "membership equals a full evaluation")
    assert found.detail == (
        f"segment {asking.id}: its rule can't be read, or asks for a segment that isn't there, so nobody enters or"
        " leaves; save it anew"
    )
