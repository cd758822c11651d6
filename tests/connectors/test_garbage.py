"""Whatever is thrown at the tracking API: a clear answer, never a 5xx, and nothing that sticks the stages behind."""

import gzip
import json
import zlib
from typing import Any

import httpx
import psutil
import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cdp_site.checks import run_all
from connectors import authenticate
from connectors.models import Source
from profiles.models import Batch, Event, Inbox, Rejected
from tests.connectors.test_receive import basic, post
from tests.factories import SourceFactory
from tests.live import Web
from tests.stream import resolve_all

TRACK = b'{"type":"track","event":"E","userId":"u","properties":%b}'


def batch(*messages: bytes) -> bytes:
    return b'{"batch":[' + b",".join(messages) + b"]}"


def with_properties(text: bytes) -> bytes:
    return batch(TRACK % text)


BOMB = gzip.compress(b'{"batch":["' + b"0" * 50_000_000 + b'"]}')
GARBAGE: dict[str, tuple[bytes, set[int], str]] = {
    # name: body, the statuses that are right, what the answer must name
    "a gzip bomb": (BOMB, {413}, "bytes"),
    "a gzip that is cut off": (gzip.compress(b'{"batch":[]}')[:-9], {400}, "gzip"),
    "gzip in gzip": (gzip.compress(gzip.compress(b"{}")), {400}, "JSON"),
    "what only begins like gzip": (b"\x1f\x8b\x08nonsense", {400}, "gzip"),
    "zlib without gzip's head": (zlib.compress(b"{}"), {400}, "JSON"),
    "deep in properties": (with_properties(b'{"a":' * 10_000 + b"1" + b"}" * 10_000), {400, 413}, ""),
    "10,000 levels of lists": (with_properties(b"[" * 10_000 + b"]" * 10_000), {400}, "properties"),
    "deeper than allowed": (with_properties(b'{"a":' * 150 + b"1" + b"}" * 150), {400}, "properties"),
    "deep at the top": (b"[" * 10_000 + b"]" * 10_000, {400}, ""),
    "deep in the batch": (b'{"batch":' + b"[" * 10_000 + b"]" * 10_000 + b"}", {400}, ""),
    "a number of 5,000 digits": (with_properties(b'{"n":' + b"9" * 5_000 + b"}"), {200, 400}, ""),
    "a user id of 5,000 digits": (batch(b'{"type":"page","userId":' + b"9" * 5_000 + b"}"), {400}, "userId"),
    "a number out of range": (with_properties(b'{"n":1e999}'), {400}, "properties"),
    "an escaped NUL": (with_properties(rb'{"a":"\u0000"}'), {400}, "properties.a"),
    "an escaped NUL in a key": (with_properties(rb'{"\u0000":1}'), {400}, "properties"),
    "a NUL in the user id": (batch(rb'{"type":"page","userId":"a\u0000b"}'), {400}, "userId"),
    "a raw NUL": (with_properties(b'{"a":"\0"}'), {400}, "properties.a"),
    "half a surrogate pair": (with_properties(rb'{"a":"\ud800"}'), {400}, "properties.a"),
    "NaN": (with_properties(b'{"a":NaN}'), {400}, "properties.a"),
    "Infinity": (with_properties(b'{"a":[-Infinity]}'), {400}, "properties.a[0]"),
    "bytes that are no UTF-8": (with_properties(b'{"a":"\xff\xfe"}'), {400}, "properties.a"),
    "a byte order mark": (b"\xef\xbb\xbf" + batch(b'{"type":"page","userId":"u"}'), {200}, ""),
    "a string that never ends": (b'{"batch":["' + rb"\"" * 200_000, {400}, "JSON"),
    "the year 9999 with an offset": (
        batch(b'{"type":"page","userId":"u","timestamp":"9999-12-31T23:59:59-12:00"}'), {400}, "timestamp",
    ),
    "the year 0": (batch(b'{"type":"page","userId":"u","timestamp":"0000-01-01"}'), {400}, "timestamp"),
    "no time at all": (batch(b'{"type":"page","userId":"u","timestamp":"yesterday"}'), {400}, "timestamp"),
    "a wrong sentAt": (b'{"sentAt":"never","batch":[{"type":"page","userId":"u"}]}', {400}, "sentAt"),
    "a wrong batch": (b'{"batch":{"type":"page"}}', {400}, "batch"),
    "an empty batch": (b'{"batch":[]}', {400}, "batch"),
    "no batch": (b'{"type":"page","userId":"u"}', {400}, "batch"),
    "things that are no messages": (b'{"batch":[1,null,"a",[],true]}', {400}, ""),
    "an unknown type": (batch(b'{"type":"explode","userId":"u"}'), {400}, "type"),
    "no type": (batch(b'{"userId":"u"}'), {400}, "type"),
    "an empty event": (batch(b'{"type":"track","event":"  ","userId":"u"}'), {400}, "event"),
    "an event of 300 letters": (batch(b'{"type":"track","event":"%b","userId":"u"}' % (b"e" * 300)), {400}, "event"),
    "a list for properties": (batch(b'{"type":"track","event":"E","userId":"u","properties":[1]}'), {400}, "properties"),
    "a text for context": (batch(b'{"type":"page","userId":"u","context":"web"}'), {400}, "context"),
    "a message over 32 KB": (with_properties(b'{"a":"' + b"x" * 33_000 + b'"}'), {400}, "32,768"),
    "a batch over 500 KB": (b'{"batch":[' + b" " * 520_000 + b"]}", {413}, "bytes"),
    "too many messages": (batch(*[b"{}"] * 5_001), {413}, "batch"),
    "nothing": (b"", {400}, "empty"),
    "blanks": (b" \n\t ", {400}, "empty"),
    "a wrong write key in the body": (b'{"writeKey":7,"batch":[{"type":"page","userId":"u"}]}', {400}, "writeKey"),
    "a form of junk": (b"a=b&c=d", {400}, ""),
    "half a message": (b'{"batch":[{"type":"page"', {400}, "JSON"),
}  # fmt: skip


@pytest.fixture
def source(db: None) -> Source:
    authenticate.forget()
    return SourceFactory()


def nothing_sticks() -> None:
    resolve_all()
    assert not Inbox.objects.filter(done_at=None).exists()
    off = [finding for finding in run_all() if not finding.ok]
    assert not off


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_answered_by_name_and_sticks_nothing(source: Source, name: str) -> None:
    body, statuses, named = GARBAGE[name]
    answer = post(source, "/v1/batch", body)
    assert answer.status_code in statuses, answer.content[:300]
    assert answer["Access-Control-Allow-Origin"] == "*"
    if answer.status_code != 200:
        told = answer.json()
        assert told["code"]
        assert told["message"]
        assert named in json.dumps(told)
    post(source, "/v1/page", {"userId": "afterwards"})
    nothing_sticks()
    assert Event.objects.filter(identifiers__contains=[[1, "afterwards"]]).count() == 1


@pytest.mark.parametrize(
    "bad",
    [
        rb'{"a":"\ud800"}', b'{"a":NaN}', b'{"a":"\xff"}', b'{"a":1e999}', b'{"a":' + b"9" * 5_000 + b"}", b'{"a":"\0"}',
        b'{"a":"\n"}', b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("alone", [False, True])
def test_what_makes_a_message_unreadable_is_named_and_kept(source: Source, bad: bytes, alone: bool) -> None:
    message = TRACK % bad
    answer = post(source, "/v1/track", message) if alone else post(source, "/v1/batch", batch(message))
    assert answer.status_code == 400
    assert answer.json()["field"].startswith("properties")
    assert bytes(Rejected.objects.get().payload) == message


@pytest.mark.parametrize(
    "bad",
    [
        rb'{"a":"\ud800"}', b'{"a":NaN}', b'{"a":"\xff"}', b'{"a":1e999}', b'{"a":' + b"9" * 5_000 + b"}", b'{"a":"\0"}',
        b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", b'{"a":"}],[{","b":NaN}',
    ],
)  # fmt: skip
def test_one_unreadable_message_leaves_the_others_of_its_batch_alone(source: Source, bad: bytes) -> None:
    good = b'{"type":"track","event":"Kept","userId":"u","messageId":"%d","properties":{"total":1.10}}'
    answer = post(source, "/v1/batch", batch(good % 1, TRACK % bad, good % 2))
    assert answer.status_code == 200
    assert [(one["index"], one["field"][:10]) for one in answer.json()["rejected"]] == [(1, "properties")]
    nothing_sticks()
    assert Event.objects.count() == 2


def test_every_wrong_type_in_every_field_is_refused_with_its_name(source: Source) -> None:
    fields = (
        "messageId",
        "userId",
        "anonymousId",
        "timestamp",
        "sentAt",
        "properties",
        "context",
        "traits",
        "event",
        "type",
    )
    for field in fields:
        for wrong in ([1], {"a": 1} if field not in ("properties", "context", "traits") else "text", True):
            message: dict[str, Any] = {"type": "track", "event": "E", "userId": "u", "messageId": f"{field}{wrong}"}
            answer = post(source, "/v1/batch", {"batch": [{**message, field: wrong}]})
            assert answer.status_code == 400, (field, wrong)
            assert answer.json()["field"].startswith(field), (field, wrong)
    nothing_sticks()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    "type messageId userId anonymousId previousId groupId event name timestamp originalTimestamp sentAt properties traits"
    " context kind externalId status value currency openedAt closedAt".split()
)
messages = st.dictionaries(names, json_values, max_size=8).flatmap(
    lambda message: st.sampled_from(["track", "identify", "page", "alias", "group", "record", None]).map(
        lambda type: {**message, **({"type": type} if type else {}), "anonymousId": message.get("anonymousId", "a")}
    )
)


class AnyMixture(TestCase):
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(messages, min_size=1, max_size=4))
    def test_what_was_sent_is_stored_or_refused_and_all_of_it_accounted_for(self, sent: list[dict[str, Any]]) -> None:
        authenticate.forget()
        source = SourceFactory()
        answer = post(source, "/v1/batch", json.dumps({"batch": sent}).encode())
        assert answer.status_code in (200, 400)
        nothing_sticks()
        accounted = sum(batch.stored + batch.duplicates + batch.rejected for batch in Batch.objects.all())
        on_receipt = Rejected.objects.filter(stage="receive").count()
        if not (answer.status_code == 400 and "rejected" not in answer.json()):
            assert accounted + on_receipt == len(sent)

    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.binary(max_size=200), st.sampled_from(["/v1/batch", "/v1/track", "/t", "/v1/import", "/beacon/v1/batch"]))
    def test_any_bytes_are_answered(self, body: bytes, path: str) -> None:
        authenticate.forget()
        answer = post(SourceFactory(), path, body)
        assert answer.status_code in (200, 400, 413)
        nothing_sticks()


def test_an_unknown_length_is_refused_or_read_and_never_hangs(source: Source) -> None:
    headers = {"Authorization": basic(source.write_key)}
    answer = Client().generic("POST", "/v1/batch", b"{}", headers={**headers, "Content-Length": "many"})
    assert answer.status_code == 400


@pytest.mark.django_db(transaction=True)
def test_no_request_takes_more_than_64_mb() -> None:
    authenticate.forget()
    source = SourceFactory()
    web = Web()
    try:
        web.start()
        web.wait()
        with httpx.Client(base_url=web.url, auth=(source.write_key, ""), timeout=30) as client:
            good = batch(*[b'{"type":"page","userId":"u"}'] * 500)
            for _ in range(20):
                client.post("/v1/batch", content=good)
            before = _memory(web)
            for body, _, _ in GARBAGE.values():
                assert client.post("/v1/batch", content=body).status_code < 500
            chunks = (b"x" * 65_536 for _ in range(1_000))
            try:
                assert client.post("/v1/batch", content=chunks).status_code == 413
            except httpx.TransportError:
                pass  # it hung up on us: nobody has to listen to 64 MB
            grown = _memory(web) - before
        assert grown < 64_000_000
    finally:
        web.kill()
        connection.close()


def _memory(web: Web) -> int:
    """The largest of the server's processes, in bytes."""
    return max(one.memory_info().rss for one in psutil.Process(web.pid).children(recursive=True))


def test_a_gzip_of_very_many_members_is_refused_at_once(source: Source) -> None:
    answer = post(source, "/v1/batch", gzip.compress(b"") * 20_000)
    assert answer.status_code == 400
    assert "members" in answer.json()["message"]
