"""The builder's pages: adding, undoing, drafts and live rules, duplicates, the preview and what is answered when."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cdp_site import stages
from cdp_site.roles import MARKETER
from connectors import authenticate
from segments import build_views, builder, changes, library, versions
from segments.builder import DidDraft, EventsDraft, GroupDraft, SegmentDraft, TraitDraft
from segments.models import Segment
from segments.rules import All, Did, Events, InSegment, Trait, from_json, to_json
from tests.factories import SourceFactory, account
from tests.stream import send

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
BOUGHT, SPANISH = DidDraft(events=EventsDraft("Order Completed")), TraitDraft(name="country", value="ES")
SPAIN = Trait("country", "is", "ES")


@pytest.fixture
def marketer() -> Client:
    client = Client()
    client.force_login(account(MARKETER))
    return client


@pytest.fixture
def company() -> None:
    """Four customers, two in Spain, one of whom has bought."""
    authenticate.forget()
    shop = SourceFactory()
    at = (timezone.now() - timedelta(days=3)).isoformat()
    for number in range(4):
        traits = {
            "email": f"u{number}@example.com",
            "name": f"Person {number}",
            "country": "ES" if number % 2 else "DE",
        }
        send(shop, {"type": "identify", "userId": f"u{number}", "traits": traits, "timestamp": at})
    bought = {"type": "track", "event": "Order Completed", "userId": "u1", "properties": {"order_id": "o", "total": 5}}
    send(shop, {**bought, "timestamp": at})
    stages.drain_all()


def posted(*items: builder.Draft, **more: str) -> dict[str, str]:
    return {**builder.controls(GroupDraft("all", items)), **more}


def test_what_is_added_is_a_condition_and_what_is_not_understood_stays_to_be_mended(
    marketer: Client, company: None
) -> None:
    page = marketer.post("/segments/new/", posted(SPANISH, **{"r:add": "did order completed"})).content.decode()
    assert 'value="Order Completed"' in page
    assert "1 person" in page.replace('</span> <span class="soft">', " ").replace('<span class="big">', "")
    page = marketer.post("/segments/new/", posted(SPANISH, **{"r:add": 'country = "ES'})).content.decode()
    assert "isn&#x27;t understood" in page and "character" in page
    assert "country = &quot;ES" in page
    refused = marketer.post("/segments/new/", posted(SPANISH, **{"r:add": 'country = "ES', "name": "X", "act": "save"}))
    assert refused.status_code == 200
    assert not Segment.objects.exists()


def test_the_quick_answer_is_the_rule_alone_and_asks_for_a_preview_only_when_the_rule_is_another(
    marketer: Client,
) -> None:
    answer = marketer.post("/segments/new/", posted(SPANISH), headers=HTMX)
    body = answer.content.decode()
    assert body.lstrip().startswith('<div id="rule"') and "<html" not in body
    assert answer["HX-Trigger-After-Swap"] == "rule-changed"
    shown = body.split('name="shown" value="')[1].split('"')[0]
    again = marketer.post("/segments/new/", posted(SPANISH, shown=shown, name="Another name"), headers=HTMX)
    assert "HX-Trigger-After-Swap" not in again
    other = marketer.post("/segments/new/", posted(BOUGHT, shown=shown), headers=HTMX)
    assert "HX-Trigger-After-Swap" in other


def test_undo_takes_back_one_step_at_a_time(marketer: Client) -> None:
    history = builder.remember(builder.remember("", GroupDraft()), GroupDraft("all", (SPANISH,)))
    page = marketer.post("/segments/new/", posted(SPANISH, BOUGHT, history=history, act="undo")).content.decode()
    assert 'value="country"' in page and 'value="Order Completed"' not in page
    gone = marketer.post("/segments/new/", posted(SPANISH, history=history, act="undo")).content.decode()
    assert 'name="r:items" value="0"' in gone


def test_saving_a_new_segment_makes_it_live_or_a_draft(marketer: Client, company: None) -> None:
    answer = marketer.post("/segments/new/", posted(SPANISH, name="Spanish", act="save"), headers=HTMX)
    live = Segment.objects.get(name="Spanish")
    assert (answer.status_code, answer["HX-Redirect"]) == (204, f"/segments/{live.pk}/")
    stages.drain_all()
    live.refresh_from_db()
    assert (live.status, live.size) == ("live", 2)
    marketer.post("/segments/new/", posted(BOUGHT, name="Buyers", description="of anything", act="draft"))
    draft = Segment.objects.get(name="Buyers")
    assert (draft.status, draft.description) == ("draft", "of anything")
    answer = marketer.post(f"/segments/{draft.pk}/edit/", posted(BOUGHT, name="Buyers", act="save"))
    stages.drain_all()
    draft.refresh_from_db()
    assert (draft.status, draft.size, draft.version) == ("live", 1, 1)


@pytest.mark.parametrize(
    ("items", "name", "reason"),
    [
        ((SPANISH,), "", "Give it a name."),
        ((SPANISH,), "Taken", "Another segment has this name."),
        ((), "New", "Add at least one condition."),
        ((SPANISH, DidDraft()), "New", "the event is still to be said"),
        ((SPANISH, SegmentDraft(name="Nowhere")), "New", "Nowhere"),
        ((SegmentDraft(name="Taken"), SPANISH), "Asked for", "Asked for → Taken → Asked for"),
    ],
)
def test_what_cant_be_saved_says_why(
    marketer: Client, items: tuple[builder.Draft, ...], name: str, reason: str
) -> None:
    asked = changes.create("Asked for", SPAIN, live=False)
    changes.create("Taken", InSegment("Asked for"), live=False)
    address = f"/segments/{asked.pk}/edit/" if name == "Asked for" else "/segments/new/"
    answer = marketer.post(address, posted(*items, name=name, act="save"))
    assert answer.status_code == 200
    assert reason in answer.content.decode().replace("&#x27;", "'")
    assert Segment.objects.count() == 2
    assert from_json(Segment.objects.get(pk=asked.pk).rule) == SPAIN


def test_a_draft_beside_a_live_rule_changes_nobody_until_it_is_saved(marketer: Client, company: None) -> None:
    segment = changes.create("Spanish", SPAIN)
    stages.drain_all()
    address = f"/segments/{segment.pk}/edit/"
    marketer.post(address, posted(SPANISH, BOUGHT, name="Spanish", act="draft"))
    stages.drain_all()
    segment.refresh_from_db()
    assert (from_json(segment.rule), segment.size) == (SPAIN, 2)
    assert segment.draft == to_json(All((SPAIN, Did(Events("Order Completed")))))
    page = marketer.get(address).content.decode()
    assert "This is its draft" in page and 'value="Order Completed"' in page
    assert 'value="Order Completed"' not in marketer.get(f"{address}?rule=live").content.decode().split("<datalist")[0]
    marketer.post(address, posted(SPANISH, BOUGHT, name="Spanish", act="save"))
    stages.drain_all()
    segment.refresh_from_db()
    assert (segment.size, segment.draft, len(versions.history(segment))) == (1, None, 2)


def test_a_name_alone_is_saved_without_a_new_version(marketer: Client) -> None:
    segment = changes.create("Spanish", All((SPAIN,)))
    stages.drain_all()
    marketer.post(f"/segments/{segment.pk}/edit/", posted(SPANISH, name="From Spain", act="save"))
    segment.refresh_from_db()
    assert (segment.name, segment.version) == ("From Spain", 1)


def test_a_duplicate_is_a_draft_with_a_name_of_its_own(marketer: Client) -> None:
    segment = changes.create("Spanish", SPAIN)
    for name in ("Spanish (copy)", "Spanish (copy 2)"):
        answer = marketer.post(f"/segments/{segment.pk}/duplicate/")
        made = Segment.objects.get(name=name)
        assert answer["Location"] == f"/segments/{made.pk}/edit/"
        assert (made.status, from_json(made.rule)) == ("draft", SPAIN)
    assert marketer.get(f"/segments/{segment.pk}/duplicate/").status_code == 405


def test_the_preview_says_how_many_what_to_doubt_and_what_changes(marketer: Client, company: None) -> None:
    segment = changes.create("Spanish", SPAIN)
    stages.drain_all()
    address = f"/segments/{segment.pk}/edit/preview/"
    body = marketer.post(address, posted(SPANISH, TraitDraft(name="country", value="DE"))).content.decode()
    assert "Nobody can be both" in body
    assert "What changes" in body and "<ins>" in body
    body = marketer.post(address, posted(TraitDraft(name="country", op="exists"))).content.decode()
    assert "This is everybody." in body
    body = marketer.post(address, posted(DidDraft(events=EventsDraft("Never Sent")))).content.decode()
    assert "“Never Sent” has never been seen" in body
    assert "Add a condition" in marketer.post(address, posted()).content.decode()


def test_what_comes_after_the_preview_names_who_enters_and_leaves(marketer: Client, company: None) -> None:
    segment = changes.create("Spanish", SPAIN)
    stages.drain_all()
    body = marketer.post(f"/segments/{segment.pk}/edit/further/", posted(BOUGHT)).content.decode()
    assert "0 enter" in body and "1 leave" in body and "1 stay" in body
    assert "Person 3" in body.split("Would leave")[1].split("</p>")[0]
    fresh = marketer.post("/segments/new/further/", posted(BOUGHT)).content.decode()
    assert "If you save this" not in fresh and "Reachable" in fresh and "month by month" in fresh
    assert marketer.post("/segments/new/further/", posted()).content.decode().strip() == ""


def test_without_script_all_of_it_is_on_the_page_that_was_asked_for(marketer: Client, company: None) -> None:
    page = marketer.post("/segments/new/", posted(BOUGHT, act="more")).content.decode()
    assert "Reachable" in page and "month by month" in page and "<html" in page


def test_days_of_the_week_are_ticked_one_by_one(marketer: Client) -> None:
    timed = DidDraft(events=EventsDraft("Order Completed", timed="yes", days="sat", start="18:00", end="22:00"))
    said = {**posted(timed, name="Weekend", act="draft"), "r.0:events.days": ["sat", "sun"]}
    marketer.post("/segments/new/", said)
    rule = Segment.objects.get().rule
    assert rule["all"][0]["on"] == {"days": ["sat", "sun"], "from": "18:00", "to": "22:00"}


@pytest.mark.parametrize("ready", library.READY, ids=lambda ready: ready.key)
def test_each_ready_made_segment_opens_in_the_builder_as_it_is(marketer: Client, ready: library.Ready) -> None:
    page = marketer.get(f"/segments/new/?from={ready.key}")
    assert page.status_code == 200
    assert ready.name in page.content.decode()
    assert builder.check(builder.draft_of(from_json(ready.rule))).rule == from_json(ready.rule)


def test_a_large_rule_is_posted_whole(marketer: Client) -> None:
    many = [DidDraft(events=EventsDraft(f"Event {number}")) for number in range(150)]
    said = posted(*many, name="Large", act="draft")
    assert len(said) > 1_000
    marketer.post("/segments/new/", said)
    assert len(Segment.objects.get().rule["all"]) == 150
    assert json.dumps(Segment.objects.get().rule)


def test_renaming_in_the_builder_renames_it_in_the_rules_that_ask_for_it(marketer: Client) -> None:
    spain = changes.create("Spanish", SPAIN)
    asking = changes.create("Both", All((InSegment("Spanish"), Did(Events("Order Completed")))))
    marketer.post(f"/segments/{spain.pk}/edit/", posted(SPANISH, name="From Spain", act="save"))
    asking.refresh_from_db()
    assert asking.rule["all"][0] == {"segment": "From Spain"}


def test_save_pressed_twice_is_no_fault(marketer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second press checks the name before the first one has saved it."""
    form = posted(SPANISH, name="Spanish", act="save")
    free = build_views._Name.clean_name

    def first_is_quicker(named: Any) -> str:
        name = free(named)
        changes.create("Spanish", SPAIN)
        return name

    monkeypatch.setattr(build_views._Name, "clean_name", first_is_quicker)
    page = marketer.post("/segments/new/", form)
    assert page.status_code == 200 and "Another segment has this name by now." in page.content.decode()
    assert Segment.objects.count() == 1


def test_what_somebody_else_saved_meanwhile_is_not_replaced_unseen(marketer: Client) -> None:
    segment = changes.create("Spanish", SPAIN)
    address = f"/segments/{segment.pk}/edit/"
    begun = marketer.get(address).context["begun_from"]
    mine = posted(SPANISH, BOUGHT, name="Spanish", act="save", begun_from=begun)
    changes.save_rule(segment, Trait("country", "is", "PT"))

    page = marketer.post(address, mine)
    assert "Somebody else saved this segment since you opened it" in page.content.decode()
    segment.refresh_from_db()
    assert from_json(segment.rule) == Trait("country", "is", "PT")

    marketer.post(address, mine | {"begun_from": page.context["begun_from"]})
    segment.refresh_from_db()
    assert segment.rule == to_json(All((SPAIN, Did(Events("Order Completed")))))
    # Pressed twice: what stands is what is being saved.
    assert marketer.post(address, mine).status_code == 302


def test_one_that_asks_for_what_is_archived_is_neither_copied_nor_saved_but_says_why(marketer: Client) -> None:
    vip = changes.create("VIP", SPAIN)
    asking = changes.create("Both", All((InSegment("VIP"),)), live=False)
    Segment.objects.filter(pk=vip.pk).update(status=Segment.Status.ARCHIVED)

    page = marketer.post(f"/segments/{asking.pk}/duplicate/", follow=True).content.decode()
    assert "It can’t be duplicated: its rule asks for the segment" in page
    form = posted(SegmentDraft(name="VIP"), name="Both", act="save")
    page = marketer.post(f"/segments/{asking.pk}/edit/", form).content.decode()
    assert "which isn’t there or is archived" in page or "which isn&#x27;t there or is archived" in page
    assert Segment.objects.count() == 2


def test_a_segment_that_is_named_anew_cant_ask_for_its_old_name(marketer: Client) -> None:
    segment = changes.create("Spanish", SPAIN)
    form = posted(SPANISH, SegmentDraft(name="Spanish"), name="From Spain")
    for act in ("save", "draft"):
        page = marketer.post(f"/segments/{segment.pk}/edit/", form | {"act": act})
        assert page.status_code == 200 and "Spanish" in page.content.decode()
        segment.refresh_from_db()
        assert (segment.name, segment.draft) == ("Spanish", None)


def test_what_it_is_for_keeps_its_lines_and_says_when_it_is_too_long(marketer: Client) -> None:
    segment = changes.create("Spanish", SPAIN)
    address = f"/segments/{segment.pk}/edit/"
    marketer.post(address, posted(SPANISH, name="Spanish", act="save", description="First\r\nsecond"))
    segment.refresh_from_db()
    assert segment.description == "First\nsecond"
    page = marketer.post(address, posted(SPANISH, name="Spanish", act="save", description="x" * 1001))
    assert "has at most 1,000 characters; this has 1001" in page.content.decode()


@pytest.mark.parametrize("name", ["\u200b", "a\nb", "a\u202eb"])
def test_a_name_is_one_line_that_can_be_seen(marketer: Client, name: str) -> None:
    page = marketer.post("/segments/new/", posted(SPANISH, name=name, act="save"))
    assert "A name " in page.content.decode()
    assert not Segment.objects.exists()


def test_an_archived_segment_that_is_saved_is_live_again(marketer: Client, company: None) -> None:
    segment = changes.create("Spanish", SPAIN)
    changes.archive(segment)
    stages.drain_all()
    marketer.post(f"/segments/{segment.pk}/edit/", posted(SPANISH, name="Spanish", act="save"))
    stages.drain_all()
    segment.refresh_from_db()
    assert (segment.status, segment.size) == (Segment.Status.LIVE, 2)


def test_undo_leaves_alone_what_is_being_typed(marketer: Client) -> None:
    page = marketer.post("/segments/new/", posted(SPANISH, history=""))
    history = page.context["history"]
    page = marketer.post("/segments/new/", posted(SPANISH, BOUGHT, history=history))
    form = posted(SPANISH, BOUGHT, history=page.context["history"], act="undo") | {"r:add": "half a th"}
    draft = marketer.post("/segments/new/", form).context["draft"]
    assert (draft.items, draft.add) == ((SPANISH,), "half a th")


def test_a_large_rule_that_is_edited_often_can_still_be_saved(marketer: Client) -> None:
    many = ", ".join(f"person{number}@example.com" for number in range(1_000))
    history = ""
    for number in range(20):
        large = [TraitDraft(name="email", op="any_of", value=f"{many}, {number}") for _ in range(4)]
        page = marketer.post("/segments/new/", posted(*large, name="Large", history=history))
        assert page.status_code == 200
        history = page.context["history"]
    assert len(history) < 400_000


def test_a_made_up_form_of_very_many_conditions_stops_at_a_bound(marketer: Client) -> None:
    form = {"r:node": "group", "r:items": "200"}
    form |= {f"r.{number}:items": "200" for number in range(200)} | {
        f"r.{number}:node": "group" for number in range(200)
    }
    draft = builder.read(form)
    assert sum(1 + len(item.items) for item in draft.items if isinstance(item, GroupDraft)) <= 1_000


def test_a_rule_that_takes_too_long_to_count_says_so_before_it_is_saved_and_what_helps(
    marketer: Client, company: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segments.preview.SECONDS", -1.0)
    page = marketer.post("/segments/new/preview/", posted(SPANISH, BOUGHT), headers=HTMX).content.decode()
    assert "takes too long to be counted while you build" in page and "counted in" not in page
    assert "It looks at 1 “Order Completed” without a window: a shorter window" in page
    assert "in plain english" in page.lower() and 'id="further"' not in page
    page = marketer.post("/segments/new/preview/", posted(SPANISH), headers=HTMX).content.decode()
    assert "Fewer conditions" in page
    marketer.post("/segments/new/", posted(SPANISH, act="save", name="Dear"))
    assert Segment.objects.get().name == "Dear"
