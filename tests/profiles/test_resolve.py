"""From the inbox to people: each message counted once, on one person, and nothing that arrives can stop it."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from cdp_site import sql
from cdp_site.checks import run_all
from connectors.models import Source
from profiles import inbox, resolve
from profiles.models import (
    Batch,
    Event,
    Identifier,
    Inbox,
    Link,
    Merge,
    Profile,
    ProfileRedirect,
    Record,
    TraitValue,
)
from profiles.models.people import RECORDS
from tests.factories import SourceFactory
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return SourceFactory()


@pytest.fixture(autouse=True)
def _everything_holds_afterwards(db: None) -> Iterator[None]:
    yield
    off = [
        finding
        for finding in run_all()
        if not finding.ok and not finding.name.startswith(("membership", "segment", "destin"))
    ]
    assert not off


def test_an_anonymous_visitor_who_signs_in_is_one_person_with_all_her_events(source: Source) -> None:
    send(
        source,
        {"type": "page", "anonymousId": "a1", "messageId": "1"},
        {"type": "page", "anonymousId": "a1", "messageId": "2"},
    )
    resolve_all()
    visitor = person(7, "a1")
    assert not visitor.identified
    send(
        source,
        {
            "type": "identify",
            "anonymousId": "a1",
            "userId": "u1",
            "traits": {"email": "ana@example.com"},
            "messageId": "3",
        },
    )
    resolve_all()
    known = Profile.objects.get()
    assert known.id == visitor.id and known.identified and known.email == "ana@example.com"
    assert Event.objects.filter(profile_id=known.id).count() == 3


def test_two_people_become_one_and_everything_moves(source: Source) -> None:
    send(
        source,
        {
            "type": "track",
            "event": "Order Completed",
            "userId": "u1",
            "properties": {"order_id": 1, "total": 20, "currency": "EUR"},
            "messageId": "1",
        },
        {
            "type": "identify",
            "anonymousId": "a2",
            "traits": {"email": "ana@example.com", "city": "Cadiz"},
            "messageId": "2",
        },
    )
    resolve_all()
    winner, loser = person(1, "u1"), person(3, "ana@example.com")
    send(source, {"type": "identify", "userId": "u1", "anonymousId": "a2", "messageId": "3"})
    resolve_all()
    survivor = Profile.objects.get()
    assert survivor.id == winner.id
    assert survivor.traits == {"email": "ana@example.com", "city": "Cadiz"}
    assert Event.objects.filter(profile_id=survivor.id).count() == 3
    assert Record.objects.get().profile_id == survivor.id
    assert ProfileRedirect.objects.get().id == loser.id
    assert Merge.objects.get().loser_id == loser.id


def test_redirects_lead_to_the_living_profile_after_merges_in_a_row(source: Source) -> None:
    for number in range(4):
        send(source, {"type": "page", "anonymousId": f"a{number}", "messageId": f"p{number}"})
        resolve_all()
    ids = sorted(Profile.objects.values_list("id", flat=True))
    for number in (3, 2, 1):
        tablet = {"device": {"id": f"d{number - 1}"}}
        send(
            source,
            {"type": "identify", "anonymousId": f"a{number}", "context": tablet, "messageId": f"i{number}"},
            {"type": "identify", "anonymousId": f"a{number - 1}", "context": tablet, "messageId": f"j{number}"},
        )
        resolve_all()
    assert Profile.objects.get().id == ids[0]
    assert set(ProfileRedirect.objects.values_list("id", "profile_id")) == {(loser, ids[0]) for loser in ids[1:]}


def test_a_message_that_comes_again_is_counted_as_a_duplicate_also_within_a_batch_and_years_later(
    source: Source,
) -> None:
    message = {"type": "page", "anonymousId": "a1", "messageId": "same"}
    send(source, message, message)
    resolve_all()
    send(source, {**message, "timestamp": "2020-01-01T00:00:00Z"})
    resolve_all()
    assert Event.objects.count() == 1
    assert [(batch.messages, batch.stored, batch.duplicates) for batch in Batch.objects.order_by("id")] == [
        (2, 1, 1),
        (1, 0, 1),
    ]


def test_the_same_message_id_from_another_source_is_another_message(source: Source) -> None:
    for one in (source, SourceFactory()):
        send(one, {"type": "page", "anonymousId": "a1", "messageId": "6f1f9e8a-54a9-4d2e-8b1e-0d4a6a2f7c11"})
    resolve_all()
    assert Event.objects.count() == 2


def test_lines_without_message_ids_are_known_by_their_content(source: Source) -> None:
    for _ in range(2):
        send(
            source,
            {"type": "track", "event": "Paid", "userId": "u1"},
            {"type": "track", "event": "Paid", "userId": "u2"},
        )
        resolve_all()
    assert Event.objects.count() == 2


def test_requests_without_message_ids_are_all_different_and_a_retry_of_the_drain_is_not(source: Source) -> None:
    body = b'{"type":"track","event":"Paid","userId":"u1"}'
    for _ in range(2):
        inbox.store(source.id, body, format="tracking", messages=1)
    resolve_all()
    Inbox.objects.update(done_at=None)
    with transaction.atomic():
        resolve.drain_some()
        stored = Event.objects.count()
        transaction.set_rollback(True)
    assert stored == 2
    Inbox.objects.update(done_at=datetime.now(UTC))


def test_phone_numbers_are_read_as_in_the_sources_country(source: Source) -> None:
    german = SourceFactory(default_country="DE")
    send(source, {"type": "identify", "userId": "es", "traits": {"phone": "600111222"}})
    send(german, {"type": "identify", "userId": "de", "traits": {"phone": "0151 23456789"}})
    resolve_all()
    assert person(4, "+34600111222").traits["phone"] == "+34600111222"
    assert person(4, "+4915123456789")


def test_the_newest_word_wins_whatever_order_it_comes_in_and_each_source_keeps_its_own() -> None:
    shop, crm = SourceFactory(), SourceFactory()

    def says(one: Source, day: int, city: str | None) -> None:
        send(
            one,
            {
                "type": "identify",
                "userId": "u1",
                "traits": {"city": city},
                "timestamp": f"2026-03-{day:02}T00:00:00Z",
                "messageId": f"{day}",
            },
        )
        resolve_all()

    says(crm, 5, "Cadiz")
    says(shop, 3, "Madrid")
    assert Profile.objects.get().traits == {"city": "Cadiz"}
    says(shop, 9, "Vigo")
    says(shop, 7, "Lugo")
    assert Profile.objects.get().traits == {"city": "Vigo"}
    assert set(TraitValue.objects.values_list("source_id", "value")) == {(crm.id, "Cadiz"), (shop.id, "Vigo")}
    says(crm, 12, None)
    assert Profile.objects.get().traits == {}, "its newest source took it back"


def test_a_record_says_what_its_latest_message_said_in_any_order(source: Source) -> None:
    history = [
        {
            "type": "track",
            "event": "Ticket Opened",
            "userId": "u1",
            "properties": {"ticket_id": 5, "title": "Size"},
            "timestamp": "2026-03-01T00:00:00Z",
        },
        {
            "type": "track",
            "event": "Ticket Solved",
            "userId": "u1",
            "properties": {"ticket_id": 5},
            "timestamp": "2026-03-02T00:00:00Z",
        },
        {
            "type": "track",
            "event": "Ticket Reopened",
            "userId": "u1",
            "properties": {"ticket_id": 5},
            "timestamp": "2026-03-03T00:00:00Z",
        },
    ]
    for message in reversed(history):
        send(source, message)
        resolve_all()
    ticket = Record.objects.get()
    assert (ticket.status, ticket.closed_at, ticket.title) == ("open", None, "Size")
    assert ticket.opened_at == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_refund_that_knows_only_the_order_number_finds_the_person(source: Source) -> None:
    send(
        source,
        {"type": "track", "event": "Order Completed", "userId": "u1", "properties": {"order_id": "A-9", "total": 50}},
    )
    resolve_all()
    send(
        source,
        {
            "type": "track",
            "event": "Order Refunded",
            "properties": {"order_id": "A-9", "total": 50},
            "timestamp": "2026-03-05",
        },
    )
    resolve_all()
    assert Event.objects.filter(profile_id=person(1, "u1").id).count() == 2
    assert Record.objects.get().status == "refunded"


def test_what_comes_about_a_record_while_its_people_become_one_is_kept_on_who_lives(source: Source) -> None:
    order = {"type": "track", "event": "Order Completed", "anonymousId": "a1"}
    send(source, {"type": "track", "event": "App Opened", "userId": "u1", "messageId": "1"})
    resolve_all()
    send(source, {**order, "messageId": "2", "properties": {"order_id": 1, "total": 20}})
    resolve_all()
    shipped = {"order_id": 1, "status": "shipped"}
    send(
        source,
        {"type": "identify", "userId": "u1", "anonymousId": "a1", "messageId": "3"},
        {**order, "event": "Order Updated", "messageId": "4", "properties": shipped},
    )
    resolve_all()
    kept = Record.objects.get()
    assert (kept.profile_id, kept.value) == (person(1, "u1").id, 20)


def test_a_family_email_does_not_make_one_person_of_two_customers(source: Source) -> None:
    for user in ("u1", "u2"):
        send(source, {"type": "identify", "userId": user, "traits": {"email": "family@example.com"}, "messageId": user})
        resolve_all()
    assert Profile.objects.count() == 2
    assert Link.objects.exclude(verdict=0).count() == 2, "neither gets it: tests/profiles/test_disputed.py"


def test_events_of_any_year_have_their_place(source: Source) -> None:
    years = ["1999", "2015", "2023", "2026"]
    send(
        source,
        *(
            {"type": "page", "anonymousId": "a1", "messageId": year, "timestamp": f"{year}-01-31T23:59:59Z"}
            for year in years
        ),
    )
    resolve_all()
    assert [event.time.year for event in Event.objects.order_by("time")] == [1999, 2015, 2023, 2026]


def test_who_changed_is_queued_once_a_batch_with_what_changed(source: Source) -> None:
    send(source, {"type": "page", "anonymousId": "a1", "messageId": "1"})
    resolve_all()
    sql.rows("DELETE FROM changed_profile RETURNING 1")
    send(source, *({"type": "page", "anonymousId": "a1", "messageId": f"again {n}"} for n in range(3)))
    resolve_all()
    page = sql.rows("SELECT id FROM event_name WHERE name = 'Page Viewed'")[0][0]
    assert sql.rows("SELECT profile_id, name_ids FROM changed_profile") == [(person(7, "a1").id, [page])]


def test_whose_record_changed_is_queued_with_that(source: Source) -> None:
    ticket = {"type": "track", "userId": "u1", "properties": {"ticket_id": "T1"}}
    send(source, ticket | {"event": "Ticket Opened", "messageId": "1"})
    resolve_all()
    sql.rows("DELETE FROM changed_profile RETURNING 1")
    send(source, ticket | {"event": "Ticket Solved", "messageId": "2"})
    resolve_all()
    solved = sql.rows("SELECT id FROM event_name WHERE name = 'Ticket Solved'")[0][0]
    assert sql.rows("SELECT profile_id, name_ids FROM changed_profile") == [(person(1, "u1").id, [RECORDS, solved])]


@pytest.mark.django_db(transaction=True)
def test_two_drains_at_once_store_each_message_once_and_each_person_once(source: Source) -> None:
    for number in range(60):
        batch = [
            {
                "type": "identify",
                "anonymousId": f"a{(number * 7 + n) % 50}",
                "userId": f"u{(number + n) % 25}",
                "messageId": f"{number % 55}-{n}",
            }
            for n in range(20)
        ]
        send(source, *batch)
    done: list[int] = []
    failed: list[Exception] = []

    def work() -> None:
        try:
            done.append(resolve_all())
        except Exception as error:  # noqa: BLE001
            failed.append(error)
        finally:
            connection.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolve, "BATCH_MESSAGES", 40)
        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert not failed
    assert sum(done) == 60 * 20
    assert Event.objects.count() == 55 * 20
    assert Identifier.objects.filter(kind_id=1).count() == 25
