"""A new rule swaps in at once: nobody comes or goes while it is evaluated, and the old rule is kept true until then."""

from datetime import timedelta

import pytest

from cdp_site.checks import run_all
from profiles.models import Profile
from segments import changes, fill, versions
from segments.models import ComingMember, MembershipChange, Segment
from segments.rules import Did, Events, InSegment, Last, Not, Trait, days, to_json
from tests.segments.world import NOW, changed, filled, flips, follow, happened, inside, person, segment

pytestmark = pytest.mark.django_db
SPAIN, FRANCE = Trait("country", "is", "ES"), Trait("country", "is", "FR")
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fill, "CHUNK", 2)


def healthy() -> None:
    assert [one for one in run_all() if not one.ok and "segment" in one.detail] == []


def test_nobody_comes_or_goes_until_everybody_is_evaluated_and_then_all_at_once() -> None:
    spaniards = {person(country="ES") for _ in range(3)}
    french = {person(country="FR") for _ in range(3)}
    here = segment(SPAIN)
    changes.save_rule(here, FRANCE)
    assert fill.go_on(NOW) and fill.go_on(NOW)
    here.refresh_from_db()
    assert (here.rule, here.coming, here.version, here.filling_version) == (to_json(SPAIN), to_json(FRANCE), 1, 2)
    assert (inside(here), here.fill_done, here.fill_total) == (spaniards, 4, 6)
    filled()
    here.refresh_from_db()
    assert (here.rule, here.coming, here.version, here.filling_version) == (to_json(FRANCE), None, 2, None)
    assert (inside(here), here.size) == (french, 3)
    assert not ComingMember.objects.exists()
    assert MembershipChange.objects.filter(segment_id=here.id).values("at").distinct().count() == 1
    healthy()


def test_who_changes_meanwhile_is_followed_under_both_rules() -> None:
    people = [person(country="ES") for _ in range(5)]
    here = segment(SPAIN)
    changes.save_rule(here, FRANCE)
    fill.go_on(NOW)
    for place in (0, 4):
        Profile.objects.filter(id=people[place]).update(traits={"country": "FR"})
        changed(people[place])
    follow()
    assert inside(here) == set(people[1:4])
    filled()
    assert inside(here) == {people[0], people[4]}
    healthy()


def test_time_alone_moves_people_under_both_rules_meanwhile() -> None:
    ana, ben, cleo = person(), person(), person()
    for one, ago in ((ana, 29), (ben, 59), (cleo, 5)):
        happened(one, "Order Completed", NOW - ago * DAY, queued=False)
    here = segment(Did(Events("Order Completed"), window=Last(days(30))))
    assert inside(here) == {ana, cleo}
    changes.save_rule(here, Did(Events("Order Completed"), window=Last(days(60))))
    fill.go_on(NOW)
    follow(NOW + 2 * DAY)
    assert inside(here) == {cleo}
    filled(NOW + 2 * DAY)
    assert inside(here) == {ana, cleo}


def test_who_is_gone_meanwhile_is_nobodys_member() -> None:
    ana, ben, cleo = (person(country="FR") for _ in range(3))
    here = segment(SPAIN)
    changes.save_rule(here, FRANCE)
    fill.go_on(NOW)
    Profile.objects.filter(id=ana).delete()
    changed(ana)
    follow()
    filled()
    assert inside(here) == {ben, cleo}


def test_a_second_change_meanwhile_takes_the_place_of_the_first() -> None:
    ana, ben, cleo = person(country="ES"), person(country="FR"), person(country="IT")
    here = segment(SPAIN)
    changes.save_rule(here, FRANCE)
    fill.go_on(NOW)
    changes.save_rule(here, Trait("country", "is", "IT"))
    assert inside(here) == {ana}
    filled()
    here.refresh_from_db()
    assert (here.version, here.versions.count(), inside(here)) == (3, 3, {cleo})
    assert ben not in {one for one, _ in flips(here)}


def test_going_back_meanwhile_flips_nobody() -> None:
    ana, *_ = person(country="ES"), person(country="FR"), person(country="FR")
    here = segment(SPAIN)
    changes.save_rule(here, FRANCE)
    fill.go_on(NOW)
    assert versions.go_back(here, 1)
    filled()
    assert (inside(here), flips(here)) == ({ana}, [(ana, True)])


def test_archived_meanwhile_it_has_the_new_rule_and_nobody() -> None:
    for code in ("ES", "FR", "FR"):
        person(country=code)
    here = segment(SPAIN)
    changes.save_rule(here, FRANCE)
    fill.go_on(NOW)
    changes.archive(here)
    filled()
    assert (here.status, here.rule, here.coming, here.version) == (Segment.Status.ARCHIVED, to_json(FRANCE), None, 2)
    assert inside(here) == set() and not ComingMember.objects.exists()


def test_what_asks_for_it_is_evaluated_after_it_and_swaps_in_as_well() -> None:
    ana, ben = person(country="ES"), person(country="FR")
    here = segment(SPAIN, "Here")
    others = segment(Not(InSegment("Here")), "Others")
    assert inside(others) == {ben}
    changes.save_rule(here, FRANCE)
    filled()
    assert (inside(here), inside(others)) == ({ben}, {ana})
    others.refresh_from_db()
    assert (others.version, others.coming, others.versions.count()) == (1, None, 1)
    healthy()


def test_two_can_not_come_to_ask_for_each_other() -> None:
    here, there = segment(SPAIN, "Here"), segment(FRANCE, "There")
    changes.save_rule(here, InSegment("There"))
    with pytest.raises(ValueError, match="circle"):
        changes.save_rule(there, InSegment("Here"))
