"""The pages of segments: the list, one segment and its parts, drafts and versions, why somebody is in."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cdp_site.roles import MARKETER
from profiles.models import Profile
from segments import changes, versions
from segments.models import Membership, Segment
from segments.rules import All, Did, Events, InSegment, Last, Trait, days, to_json
from tests.factories import AudienceFactory, SegmentFactory, account
from tests.segments.world import filled, happened, person

pytestmark = pytest.mark.django_db
SPAIN, FRANCE, ITALY = (Trait("country", "is", code) for code in ("ES", "FR", "IT"))
HTMX = {"HX-Request": "true"}


@pytest.fixture
def marketer(client: Client) -> Client:
    client.force_login(account(MARKETER), backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(client: Client, path: str, **more: object) -> str:
    answer = client.get(path, **more)  # type: ignore[arg-type]
    assert answer.status_code == 200
    return answer.content.decode()


def somebody(name: str, **traits: object) -> int:
    return Profile.objects.create(name=name, email=f"{name.lower()}@example.com", traits=traits).id


def test_the_list_says_what_each_is_how_large_and_who_uses_it(marketer: Client) -> None:
    vip = SegmentFactory(name="VIP", rule=to_json(SPAIN), status=Segment.Status.LIVE, size=1234)
    SegmentFactory(name="Asks", rule=to_json(InSegment("VIP")))
    AudienceFactory(name="Acquisition").segments.create(segment=vip)
    page = shown(marketer, "/segments/")
    assert "People who have country “ES”." in page
    assert "1,234" in page
    assert "Acquisition and" not in page and "segment “Asks”" in page
    assert "1 more" in page


def test_the_list_is_filtered_by_name_and_status(marketer: Client) -> None:
    SegmentFactory(name="Buyers of shoes", rule=to_json(SPAIN), status=Segment.Status.LIVE)
    SegmentFactory(name="Buyers of hats", rule=to_json(SPAIN))
    SegmentFactory(name="Gone", rule=to_json(SPAIN), status=Segment.Status.ARCHIVED)
    page = shown(marketer, "/segments/?q=BUYERS&status=live")
    assert "Buyers of shoes" in page
    assert "Buyers of hats" not in page and "Gone" not in page
    assert "No archived segment is called “buyers”." in shown(marketer, "/segments/?q=buyers&status=archived")


def test_long_work_shows_how_far_it_is_and_looks_again(marketer: Client) -> None:
    SegmentFactory(name="B", rule=to_json(SPAIN), status="live", filling_version=1, fill_done=30, fill_total=120)
    page = shown(marketer, "/segments/")
    assert "evaluating 25 %" in page and 'hx-trigger="every 2s"' in page


def test_a_segments_page_shows_its_people_with_the_columns_that_were_chosen_and_remembers_them(
    marketer: Client,
) -> None:
    somebody("Ana", country="ES", city="Lugo")
    here = changes.create("Here", SPAIN)
    filled(timezone.now())
    page = shown(marketer, f"/segments/{here.pk}/")
    assert "Ana" in page and "ana@example.com" in page and "Lugo</td>" not in page
    page = shown(marketer, f"/segments/{here.pk}/?column=name&column=trait:city&sort=trait:city")
    assert "Lugo</td>" in page and "ana@example.com" not in page
    assert 'aria-sort="ascending"' in page
    assert "Lugo</td>" in shown(marketer, f"/segments/{here.pk}/")
    part = shown(marketer, f"/segments/{here.pk}/?sort=name", headers={**HTMX, "HX-Target": "roster"})
    assert "Lugo</td>" in part and "<html" not in part


def test_a_page_from_before_a_fill_is_told_by_what_its_state_stands_at(marketer: Client) -> None:
    here = changes.create("Here", SPAIN)
    filled(timezone.now())
    state = f"/segments/{here.pk}/state/"
    page = shown(marketer, f"/segments/{here.pk}/")
    before = page.split('data-page-stands-at="')[1].split('"')[0]
    assert f'data-stands-at="{before}"' in page and f'data-stands-at="{before}"' in shown(marketer, state)
    changes.save_rule(here, FRANCE)
    filled(timezone.now())
    assert 'data-stands-at="' in shown(marketer, state) and f'data-stands-at="{before}"' not in shown(marketer, state)


def test_its_members_come_as_a_file(marketer: Client) -> None:
    ana = somebody("Ana", country="ES", city="Lugo")
    here = changes.create("¡Aquí!", SPAIN)
    filled(timezone.now())
    answer = marketer.get(f"/segments/{here.pk}/members.csv?column=email&column=trait:city")
    assert answer["Content-Type"].startswith("text/csv")
    assert f'filename="aqui-{timezone.localdate():%Y-%m-%d}.csv"' in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.splitlines() == ["profile_id,name,email,city", f"{ana},Ana,ana@example.com,Lugo"]


@pytest.mark.parametrize("part", ["size", "overlap", "makeup", "versions"])
def test_each_part_is_a_fragment_and_a_page_of_its_own(marketer: Client, part: str) -> None:
    here = changes.create("Here", SPAIN)
    path = f"/segments/{here.pk}/{part}/"
    assert "<html" in shown(marketer, path)
    assert "<html" not in shown(marketer, path, headers=HTMX)


def test_the_parts_say_what_they_found(marketer: Client) -> None:
    for number in range(80):
        person(country="ES" if number < 20 else "FR", plan="gold" if number < 20 else "plain")
    here, there = changes.create("Here", SPAIN), changes.create("There", Trait("plan", "is", "gold"))
    filled(timezone.now())
    found = shown(marketer, f"/segments/{here.pk}/makeup/", headers=HTMX)
    assert "plan: gold" in found and "4.0×" in found and "100 % of the members (20), 25 % of everybody (20)" in found
    found = shown(marketer, f"/segments/{here.pk}/overlap/", headers=HTMX)
    assert "only in There" in found and f"/segments/{there.pk}/" in found


def test_a_draft_stands_on_the_page_with_what_it_changes_and_is_published_there(marketer: Client) -> None:
    here = changes.create("Here", All((SPAIN,)))
    filled()
    versions.save_draft(here, All((SPAIN, Did(Events("Order Completed"), window=Last(days(30))))))
    page = shown(marketer, f"/segments/{here.pk}/")
    assert "A draft is waiting" in page and "1 added" in page
    marketer.post(f"/segments/{here.pk}/draft/", {"act": "publish"})
    filled()
    here.refresh_from_db()
    assert (here.version, here.draft) == (2, None)
    assert "A draft is waiting" not in shown(marketer, f"/segments/{here.pk}/")


def seen(page: str) -> str:
    return page.split('name="seen" value="')[1].split('"')[0]


@pytest.mark.parametrize("act", ["publish", "discard"])
def test_what_was_another_draft_by_then_is_left_and_shown(marketer: Client, act: str) -> None:
    here = changes.create("Here", SPAIN)
    filled()
    versions.save_draft(here, FRANCE)
    looked_at = seen(shown(marketer, f"/segments/{here.pk}/"))
    versions.save_draft(here, ITALY)
    answer = marketer.post(f"/segments/{here.pk}/draft/", {"act": act, "seen": looked_at}, follow=True).content.decode()
    assert "Nothing was done: the draft" in answer and "<ins>“IT”</ins>" in answer
    here.refresh_from_db()
    assert (here.rule, here.coming, here.draft) == (to_json(SPAIN), None, to_json(ITALY))
    marketer.post(f"/segments/{here.pk}/draft/", {"act": act, "seen": seen(answer)})
    here.refresh_from_db()
    assert here.draft is None
    assert here.coming == (to_json(ITALY) if act == "publish" else None)


def test_a_draft_is_not_published_over_a_rule_that_nobody_showed_beside_it(marketer: Client) -> None:
    here = changes.create("Here", SPAIN)
    versions.save_draft(here, FRANCE)
    looked_at = seen(shown(marketer, f"/segments/{here.pk}/"))
    changes.save_rule(here, ITALY)
    answer = marketer.post(f"/segments/{here.pk}/draft/", {"act": "publish", "seen": looked_at}, follow=True)
    assert "Nothing was done" in answer.content.decode()
    here.refresh_from_db()
    assert (here.rule, here.draft) == (to_json(ITALY), to_json(FRANCE))


@pytest.mark.parametrize("act", ["publish", "discard"])
def test_a_draft_that_somebody_else_published_is_said_to_be_gone(marketer: Client, act: str) -> None:
    here = changes.create("Here", SPAIN)
    versions.save_draft(here, FRANCE)
    looked_at = seen(shown(marketer, f"/segments/{here.pk}/"))
    versions.publish(here)
    answer = marketer.post(f"/segments/{here.pk}/draft/", {"act": act, "seen": looked_at}, follow=True).content.decode()
    assert "There is no draft any more" in answer and "as it was" not in answer


def test_a_rule_that_was_changed_before_it_was_put_live_is_looked_at_again(marketer: Client) -> None:
    here = changes.create("Here", SPAIN, live=False)
    looked_at = seen(shown(marketer, f"/segments/{here.pk}/"))
    changes.save_rule(here, ITALY)
    marketer.post(f"/segments/{here.pk}/draft/", {"act": "publish", "seen": looked_at})
    here.refresh_from_db()
    assert here.status == Segment.Status.DRAFT


def test_nobody_goes_back_from_a_rule_that_they_did_not_see(marketer: Client) -> None:
    here = changes.create("Here", SPAIN)
    changes.save_rule(here, FRANCE)
    looked_at = seen(shown(marketer, f"/segments/{here.pk}/versions/"))
    changes.save_rule(here, ITALY)
    back = f"/segments/{here.pk}/versions/back/"
    answer = marketer.post(back, {"number": "1", "seen": looked_at}, follow=True).content.decode()
    assert "Nothing was done: the live rule was changed" in answer and "“IT”" in answer
    here.refresh_from_db()
    assert (here.rule, here.version) == (to_json(ITALY), 3)
    looked_at = seen(shown(marketer, f"/segments/{here.pk}/versions/"))
    for _ in range(2):  # pressed twice
        answer = marketer.post(back, {"number": "1", "seen": looked_at}, follow=True).content.decode()
        assert "Nothing was done" not in answer
    here.refresh_from_db()
    assert (here.rule, here.version) == (to_json(SPAIN), 4)


def test_a_draft_that_can_not_be_published_says_why(marketer: Client) -> None:
    here = changes.create("Here", SPAIN)
    Segment.objects.filter(pk=here.pk).update(draft=to_json(InSegment("Here")))
    page = marketer.post(f"/segments/{here.pk}/draft/", {"act": "publish"}, follow=True).content.decode()
    assert "can’t be published" in page and "circle" in page
    here.refresh_from_db()
    assert here.version == 1 and here.draft is not None


def test_versions_are_compared_and_gone_back_to(marketer: Client) -> None:
    here = changes.create("Here", SPAIN)
    filled()
    changes.save_rule(here, FRANCE)
    filled()
    page = shown(marketer, f"/segments/{here.pk}/versions/?before=1&after=2")
    assert "<del>“ES”</del>" in page and "<ins>“FR”</ins>" in page
    assert "has no version 9" in shown(marketer, f"/segments/{here.pk}/versions/?before=9&after=2")
    marketer.post(f"/segments/{here.pk}/versions/back/", {"number": "1"})
    filled()
    here.refresh_from_db()
    assert (here.version, here.rule) == (3, to_json(SPAIN))
    assert "back to version 1" in shown(marketer, f"/segments/{here.pk}/versions/")


def test_the_page_says_where_it_is_used_and_keeps_it_from_the_archive(marketer: Client) -> None:
    here = changes.create("Here", SPAIN)
    changes.create("Asks", InSegment("Here"))
    assert "asks for it" in shown(marketer, f"/segments/{here.pk}/")
    page = marketer.post(f"/segments/{here.pk}/archive/", follow=True).content.decode()
    assert "It is in use: “Asks”" in page
    here.refresh_from_db()
    assert here.status == Segment.Status.LIVE


def test_the_rule_stands_there_as_text_to_copy(marketer: Client) -> None:
    here = changes.create("Here", SPAIN)
    assert 'data-copy="country = &quot;ES&quot;"' in shown(marketer, f"/segments/{here.pk}/")


def test_why_says_each_condition_what_was_found_and_when_time_changes_it(marketer: Client) -> None:
    ana = somebody("Ana", country="ES")
    happened(ana, "Order Completed", timezone.now() - timedelta(days=20), queued=False)
    here = changes.create("Here", All((SPAIN, Did(Events("Order Completed"), window=Last(days(30))))))
    filled(timezone.now())
    page = shown(marketer, f"/segments/{here.pk}/why/{ana}/")
    assert "Ana is in “Here”" in page
    assert "changes by itself" in page and "in 9 d" in page
    assert "have country “ES”" in page
    assert Membership.objects.filter(segment_id=here.pk).count() == 1
    assert f"/segments/{here.pk}/why/{ana}/" in shown(marketer, f"/segments/{here.pk}/")


def test_a_segment_whose_rule_can_not_be_read_still_has_its_page(marketer: Client) -> None:
    broken = SegmentFactory(rule={"did": 3}, status=Segment.Status.LIVE)
    assert "This rule can&#x27;t be read" in shown(marketer, f"/segments/{broken.pk}/")
    assert "This rule can&#x27;t be read" in shown(marketer, "/segments/")
    assert marketer.get(f"/segments/{broken.pk}/why/1/").status_code == 404
