"""What can't be taken is set aside with its reason, and stops nothing else."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cdp_site import stages
from cdp_site.checks import run_all
from connectors.models import Source
from profiles import inbox, read, resolve
from profiles.models import Batch, Event, Identifier, Inbox, Rejected
from tests.factories import SourceFactory
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return SourceFactory()


def test_a_message_that_cannot_be_taken_is_kept_with_its_reason_and_the_others_are_stored(source: Source) -> None:
    inbox.store(
        source.id,
        b'{"batch":[{"type":"page","anonymousId":"a1"},{"type":"track","userId":"u1"},{"type":"page"}]}',
        format="tracking",
        messages=3,
    )
    resolve_all()
    assert Event.objects.count() == 1
    assert sorted(Rejected.objects.values_list("field", flat=True)) == ["event", "userId"]
    assert Batch.objects.get().rejected == 2


def test_what_the_database_refuses_is_found_and_set_aside(source: Source) -> None:
    # A number that JSON allows and PostgreSQL's numeric doesn't hold.
    huge = b'{"type":"track","event":"E","userId":"u2","messageId":"bad","properties":{"n":1' + b"0" * 200 + b"e308}}"
    good = [b'{"type":"track","event":"E","userId":"u%d","messageId":"m%d"}' % (n, n) for n in range(9)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "parse", _without_check_of_numbers)
        inbox.store_lines(source.id, [*good[:4], huge, *good[4:]])
        resolve_all()
    assert Event.objects.count() == 9
    assert bytes(Rejected.objects.get().payload) == huge


def _without_check_of_numbers(text: bytes, **given: Any) -> Any:
    """As if the check on arrival let through something that the database doesn't: there is always one more."""
    from profiles.message import parse

    if b"e308" not in text:
        return parse(text, **given)
    message = parse(text.replace(b"e308", b""), **given)
    message.properties_text = b'{"n": 1e400000}'
    return message


def test_a_body_that_ends_the_process_each_time_is_tried_alone_and_set_aside_in_the_end(source: Source) -> None:
    send(source, {"type": "page", "anonymousId": "good", "messageId": "1"})
    poison = send(source, {"type": "page", "anonymousId": "bad", "messageId": "2"})
    Inbox.objects.filter(id=poison).update(attempts=resolve.SUSPICIOUS_AFTER)
    assert resolve.drain_some() == 1
    assert person(7, "good")
    Inbox.objects.filter(id=poison).update(attempts=read.SET_ASIDE_AFTER)
    resolve_all()
    assert "the process ended each time" in Rejected.objects.get().reason


def test_of_a_body_that_is_never_done_only_the_message_at_fault_is_set_aside(source: Source) -> None:
    three = b'{"batch":[{"type":"page","userId":"a"},{"type":"page","userId":"b"},{"type":"page","userId":"c"}]}'
    stored = inbox.store(source.id, three, format="tracking", messages=2, skip=[1])
    Inbox.objects.filter(id=stored).update(attempts=read.SET_ASIDE_AFTER)
    assert resolve.drain_some() == 1
    fresh = list(Inbox.objects.filter(done_at=None).order_by("id"))
    assert [bytes(one.body) for one in fresh] == [b'{"type":"page","userId":"a"}', b'{"type":"page","userId":"c"}']
    assert not any(one.attempts for one in fresh)
    Inbox.objects.filter(id=fresh[0].id).update(attempts=read.SET_ASIDE_AFTER)
    resolve_all()
    assert person(1, "c")
    assert bytes(Rejected.objects.get().payload) == bytes(fresh[0].body)
    assert [finding.detail for finding in run_all() if not finding.ok] == []


@pytest.mark.parametrize("format", ["tracking", "lines"])
def test_a_body_that_was_set_aside_whole_is_replayed_whole(source: Source, format: str) -> None:
    lines = [
        b'{"type":"page","userId":"u%d","messageId":"%d","context":{"x":"%b"}}' % (n, n, b"x" * 900) for n in range(200)
    ]
    body = b"\n".join(lines) if format == "lines" else b'{"batch":[' + b",".join(lines) + b"]}"
    inbox.store(source.id, body, format="of tomorrow", messages=199, skip=[7])
    resolve_all()
    Rejected.objects.update(format=format)  # as if its reader had come
    assert inbox.replay_rejected(list(Rejected.objects.values_list("id", flat=True))) == 199
    resolve_all()
    assert Event.objects.count() == 199
    assert not Event.objects.filter(identifiers__contains=[[1, "u7"]]).exists()


def test_a_lost_race_is_no_attempt(source: Source) -> None:
    send(source, {"type": "page", "anonymousId": "a", "messageId": "1"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolve, "_drain", _lost)
        for _ in range(30):
            with pytest.raises(stages.Again):
                resolve.drain_some()
    assert Inbox.objects.get().attempts == 0


def _lost(claimed: Sequence[int]) -> int:
    raise stages.Again


def test_a_replayed_message_is_an_event_of_when_it_came(source: Source) -> None:
    came = datetime(2026, 3, 1, 12, tzinfo=UTC)
    # A clock that goes two hours fast, the first within a batch, the second on its own; the third has no time at all.
    late = {"timestamp": "2026-03-01T13:59:00Z", "event": " ", "type": "track", "userId": "u"}
    batch = {"batch": [{**late, "messageId": "1"}], "sentAt": "2026-03-01T14:00:00Z"}
    alone = {**late, "messageId": "2", "sentAt": "2026-03-01T14:00:00Z"}
    timeless = {"event": " ", "type": "track", "userId": "u", "messageId": "3"}
    for body in (batch, alone, timeless):
        inbox.store(source.id, json.dumps(body).encode(), format="tracking", messages=1, received_at=came)
    resolve_all()
    for rejected in Rejected.objects.all():
        Rejected.objects.filter(id=rejected.id).update(payload=bytes(rejected.payload).replace(b'" "', b'"Mended"'))
    inbox.replay_rejected(list(Rejected.objects.values_list("id", flat=True)))
    resolve_all()
    times = list(Event.objects.order_by("message_id", "time").values_list("time", flat=True))
    assert sorted(times) == [came - timedelta(minutes=1), came - timedelta(minutes=1), came]


def test_a_body_that_no_reader_understands_is_set_aside_whole(source: Source) -> None:
    inbox.store(source.id, b"not json", format="tracking", messages=3)
    inbox.store(source.id, b"", format="of tomorrow", messages=2)
    resolve_all()
    assert Rejected.objects.count() == 2
    assert Batch.objects.get().rejected == 5


def test_rejected_messages_can_be_replayed(source: Source) -> None:
    inbox.store(source.id, b'{"type":"track","userId":"u1"}', format="tracking", messages=1)
    resolve_all()
    rejected = Rejected.objects.get()
    Rejected.objects.update(payload=b'{"type":"track","event":"Mended","userId":"u1"}')
    assert inbox.replay_rejected([rejected.id]) == 1
    assert inbox.replay_rejected([rejected.id]) == 0, "once is enough"
    resolve_all()
    assert Event.objects.count() == 1


def test_blocked_values_are_those_of_the_kinds_configuration(source: Source) -> None:
    send(source, {"type": "identify", "userId": "u1", "traits": {"email": "Test@test.com"}})
    resolve_all()
    assert not Identifier.objects.filter(kind_id=3).exists()
    assert person(1, "u1").email == "test@test.com", "kept as a trait"
