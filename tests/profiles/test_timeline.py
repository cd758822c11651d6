"""What a person did, page after page: nothing lost, nothing twice, days in the company's time zone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings

from connectors import stream
from connectors.models import Source
from profiles import timeline
from profiles.models import Event
from profiles.sentences import CATEGORIES
from profiles.timeline import Entry, Visit
from tests.factories import SourceFactory
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _names_are_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "_kept", (0.0, {}))


@pytest.fixture
def source() -> Source:
    return SourceFactory()


def did(event: str, at: datetime = NOON, **properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "userId": "u1", "timestamp": at.isoformat(), "properties": properties}


def looked(name: str, at: datetime, type: str = "page") -> dict[str, Any]:
    return {"type": type, "name": name, "userId": "u1", "timestamp": at.isoformat()}


def stored(source: Source, *messages: dict[str, Any]) -> int:
    """Who did it; each message is one of its own, also where two are alike."""
    send(source, *({**message, "messageId": f"m{place}"} for place, message in enumerate(messages)))
    resolve_all()
    return person(1, "u1").id


def lines(page: timeline.Page) -> list[Entry | Visit]:
    return [entry for _, entries in page.days for entry in entries]


def events(page: timeline.Page) -> Iterator[Entry]:
    for line in lines(page):
        if isinstance(line, Visit):
            yield from line.entries
        else:
            yield line


def walked(profile: int, size: int, only: str = "") -> list[int]:
    """The ids of all events, page after page."""
    found: list[int] = []
    before: str | None = ""
    while before is not None:
        page = timeline.page(profile, before=before, only=only, size=size)
        found += [entry.id for entry in events(page)]
        before = page.before
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 21, 60])
def test_pages_lose_and_repeat_nothing_also_where_times_are_equal(source: Source, size: int) -> None:
    at_once = [did("Paid", NOON) for _ in range(9)]
    profile = stored(source, *at_once, *(looked(f"p{n}", NOON - timedelta(minutes=n // 2)) for n in range(12)))
    everything = list(Event.objects.filter(profile_id=profile).order_by("-time", "-id").values_list("id", flat=True))
    assert len(everything) == 21
    assert walked(profile, size) == everything


def test_the_last_page_says_that_it_is_the_last(source: Source) -> None:
    profile = stored(source, *(did("Paid", NOON + timedelta(minutes=n)) for n in range(4)))
    first = timeline.page(profile, size=2)
    assert first.before is not None
    assert timeline.page(profile, before=first.before, size=2).before is None
    assert timeline.page(profile, size=4).before is None


def test_what_arrives_while_somebody_reads_does_not_shift_the_pages(source: Source) -> None:
    profile = stored(source, *(did("Paid", NOON + timedelta(minutes=n)) for n in range(4)))
    first = timeline.page(profile, size=2)
    send(source, {**did("Paid", NOON + timedelta(hours=1)), "messageId": "later"})
    resolve_all()
    second = timeline.page(profile, before=first.before or "", size=2)
    assert [entry.time for entry in events(second)] == [NOON + timedelta(minutes=1), NOON]


def test_the_parts_of_a_life_together_are_the_whole_of_it(source: Source) -> None:
    names = ["Order Completed", "Email Opened", "Ticket Opened", "Product Viewed", "App Opened", "Store Visited", "Odd"]
    profile = stored(source, *(did(name, NOON + timedelta(hours=n)) for n, name in enumerate(names * 3)))
    by_part = {only: walked(profile, 2, only) for only in CATEGORIES}
    assert {only: len(found) for only, found in by_part.items()} == dict.fromkeys(CATEGORIES, 3)
    together = sorted(id for found in by_part.values() for id in found)
    assert together == sorted(walked(profile, 60))
    for only in CATEGORIES:
        assert {entry.category for entry in events(timeline.page(profile, only=only))} == {only}


def test_a_part_in_which_nothing_happened_is_empty(source: Source) -> None:
    profile = stored(source, did("Order Completed"))
    assert timeline.page(profile, only="tickets") == timeline.Page([], None, timeline.newest(profile))


def test_views_that_follow_each_other_are_one_visit(source: Source) -> None:
    profile = stored(source, *(looked(name, NOON + timedelta(minutes=20 * n)) for n, name in enumerate("abcd")))
    [visit] = lines(timeline.page(profile))
    assert isinstance(visit, Visit)
    assert visit.text == "visited the site: 4 views (a, b, c, and 1 more)"
    assert visit.time == NOON + timedelta(minutes=60)


def test_a_visit_ends_after_half_an_hour_or_with_something_else(source: Source) -> None:
    half_an_hour = timedelta(minutes=30)
    profile = stored(
        source,
        looked("a", NOON),
        looked("b", NOON + half_an_hour),
        looked("c", NOON + 2 * half_an_hour + timedelta(seconds=1)),
        did("Order Completed", NOON + 2 * half_an_hour + timedelta(seconds=2)),
        looked("d", NOON + 2 * half_an_hour + timedelta(seconds=3)),
    )
    folded = [len(line.entries) if isinstance(line, Visit) else line.text for line in lines(timeline.page(profile))]
    assert folded == ["looked at ‘d’", "bought an order", "looked at ‘c’", 2]


def test_visits_to_the_site_and_to_the_app_of_another_source_are_two(source: Source) -> None:
    stored(source, looked("a", NOON), looked("a", NOON + timedelta(minutes=1)))
    app = SourceFactory()
    send(app, *({**looked("x", NOON + timedelta(minutes=n), "screen"), "messageId": f"s{n}"} for n in (2, 3)))
    resolve_all()
    texts = [line.text for line in lines(timeline.page(person(1, "u1").id))]
    assert texts == ["used the app: 2 views (x)", "visited the site: 2 views (a)"]


@override_settings(TIME_ZONE="Europe/Madrid")
def test_days_are_the_companys_not_londons(source: Source) -> None:
    late = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    profile = stored(source, did("Paid", late), did("Paid", late - timedelta(hours=1)))
    assert [day for day, _ in timeline.page(profile).days] == [date(2026, 7, 2), date(2026, 7, 1)]


def test_an_event_can_be_opened_by_its_person_alone(source: Source) -> None:
    profile = stored(source, {**did("Paid", total=5), "context": {"ip": "203.0.113.7"}})
    event = Event.objects.get(profile_id=profile)
    entry = timeline.one(profile, event.id)
    assert entry is not None
    assert (entry.name, entry.properties, entry.context) == ("Paid", {"total": 5}, {"ip": "203.0.113.7"})
    assert entry.message_id == "m0"
    assert timeline.one(profile + 1, event.id) is None
    assert timeline.one(profile, event.id + 1) is None
    assert timeline.one(profile, 10**30) is None


def test_the_newest_is_what_arrived_last_not_what_happened_last(source: Source) -> None:
    profile = stored(source, did("Paid", NOON))
    first = timeline.newest(profile)
    send(source, {**did("Paid", NOON - timedelta(days=1)), "messageId": "late"})
    resolve_all()
    assert timeline.newest(profile) > first
    assert timeline.newest(profile) == Event.objects.order_by("-id").values_list("id", flat=True)[0]


def test_nobodys_timeline_is_empty() -> None:
    assert timeline.page(1) == timeline.Page([], None, 0)


@pytest.mark.parametrize("cursor", ["x", ",", "2026-13-01,1", "soon,5", f"2030-01-01T00:00:00+00:00,{10**30}", "\0,\0"])
def test_a_cursor_that_nobody_gave_out_is_no_fault(source: Source, cursor: str) -> None:
    profile = stored(source, did("Paid"))
    assert len(lines(timeline.page(profile, before=cursor))) == 1


def test_an_event_with_a_name_that_is_new_is_said_at_once(source: Source) -> None:
    profile = stored(source, did("Paid"))
    timeline.page(profile)
    send(source, {**did("Quite New", NOON + timedelta(hours=1)), "messageId": "new"})
    resolve_all()
    assert [entry.name for entry in events(timeline.page(profile))] == ["Quite New", "Paid"]
    assert [entry.name for entry in events(timeline.page(profile, only="other"))] == ["Quite New", "Paid"]


@pytest.mark.parametrize(
    "sent", ["0b8f3a52-7a83-4c0e-9a55-0d8f6e1f2a3b", "0B8F3A52-7A83-4C0E-9A55-0D8F6E1F2A3B", "m-1"]
)
def test_a_message_is_shown_with_the_id_that_its_sender_gave_it(source: Source, sent: str) -> None:
    send(source, {**did("Order Completed"), "messageId": sent})
    resolve_all()
    (entry,) = lines(timeline.page(person(1, "u1").id))
    assert isinstance(entry, Entry) and entry.message_id == sent
    opened = stream.opened(entry.id)
    assert opened is not None and opened.message_id == sent and sent in opened.raw
