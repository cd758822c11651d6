"""The tracking API: who may send, what is taken, what is answered."""

import base64
import gzip
import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from connectors import authenticate, limits
from connectors.models import Source
from profiles import inbox
from profiles.models import Event, Inbox, Rejected
from tests.factories import SourceFactory
from tests.stream import resolve_all

pytestmark = pytest.mark.django_db
PAGE = {"type": "page", "anonymousId": "a1"}


@pytest.fixture
def source() -> Source:
    authenticate.forget()
    return SourceFactory()


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def post(source: Source | None, path: str, body: Any, content_type: str = "application/json", **headers: str) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    if source:
        headers["Authorization"] = basic(source.write_key)
    return Client().post(path, data, content_type=content_type, headers=headers)


@pytest.mark.parametrize(
    ("path", "message", "stored"),
    [
        ("/v1/track", {"event": "Paid", "userId": "u"}, ("track", "Paid")),
        ("/v1/identify", {"userId": "u"}, ("identify", "Identified")),
        ("/v1/page", {"anonymousId": "a"}, ("page", "Page Viewed")),
        ("/v1/screen", {"anonymousId": "a"}, ("screen", "Screen Viewed")),
        ("/v1/group", {"userId": "u", "groupId": "g"}, ("group", "Group Joined")),
        ("/v1/alias", {"userId": "u", "previousId": "a"}, ("alias", "Aliased")),
        ("/v1/t", {"event": "Paid", "userId": "u"}, ("track", "Paid")),
        ("/t", {"event": "Paid", "userId": "u"}, ("track", "Paid")),
        ("/v1/i", {"userId": "u"}, ("identify", "Identified")),
        ("/i", {"userId": "u"}, ("identify", "Identified")),
        ("/p", PAGE, ("page", "Page Viewed")),
        ("/v1/s", {"anonymousId": "a"}, ("screen", "Screen Viewed")),
        ("/g", {"userId": "u", "groupId": "g"}, ("group", "Group Joined")),
        ("/v1/a", {"userId": "u", "previousId": "a"}, ("alias", "Aliased")),
        ("/v1/b", {"batch": [PAGE]}, ("page", "Page Viewed")),
        ("/b", {"batch": [PAGE]}, ("page", "Page Viewed")),
        ("/v1/batch", {"batch": [PAGE]}, ("page", "Page Viewed")),
        ("/v1/import", {"batch": [PAGE]}, ("page", "Page Viewed")),
        ("/v1/batch/", {"batch": [PAGE]}, ("page", "Page Viewed")),
        ("/beacon/v1/batch", {"batch": [PAGE]}, ("page", "Page Viewed")),
    ],
)
def test_every_address_takes_its_message(source: Source, path: str, message: Any, stored: tuple[str, str]) -> None:
    answer = post(source, path, message)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    resolve_all()
    event = Event.objects.get()
    from profiles.models import EventName

    name = EventName.objects.get(id=event.name_id)
    assert (name.type, name.name) == stored


def test_the_write_key_comes_by_basic_authentication_in_the_body_or_in_the_address(source: Source) -> None:
    key = source.write_key
    assert post(source, "/v1/page", PAGE).status_code == 200
    assert post(None, "/v1/page", {**PAGE, "writeKey": key}).status_code == 200
    assert post(None, "/v1/batch", {"batch": [PAGE], "writeKey": key}).status_code == 200
    assert post(None, f"/beacon/v1/batch?writeKey={key}", {"batch": [PAGE]}).status_code == 200
    assert Inbox.objects.count() == 4


@pytest.mark.parametrize(
    "authorization", ["", "Basic", "Basic !!!", "Basic " + base64.b64encode(b"\xff:").decode(), "Bearer x"]
)
def test_without_a_write_key_nothing_is_taken(source: Source, authorization: str) -> None:
    answer = Client().post("/v1/page", PAGE, content_type="application/json", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.json()["code"] == "no_write_key"
    assert not Inbox.objects.exists()


@pytest.mark.parametrize("key", ["wrong", "x" * 500, "a\0b"])
def test_an_unknown_write_key_is_refused(source: Source, key: str) -> None:
    answer = post(None, "/v1/page", {**PAGE, "writeKey": key})
    assert answer.json()["code"] == "unknown_write_key"


def test_a_source_that_is_off_is_refused(source: Source) -> None:
    Source.objects.update(enabled=False)
    assert post(source, "/v1/page", PAGE).json()["code"] == "source_off"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize("encoding", [{}, {"Content-Encoding": "gzip"}])
def test_gzip_is_known_by_its_bytes_and_json_by_its_first_brace(
    source: Source, content_type: str, encoding: dict[str, str]
) -> None:
    body = gzip.compress(json.dumps({"batch": [PAGE]}).encode())
    assert post(source, "/v1/batch", body, content_type, **encoding).status_code == 200
    assert post(source, "/v1/batch", {"batch": [PAGE]}, content_type).status_code == 200


def test_a_form_may_carry_json_plain_or_in_base64(source: Source) -> None:
    text = json.dumps(PAGE)
    for data in (
        f"data={text}",
        "data=" + base64.b64encode(text.encode()).decode().replace("+", "%2B").replace("=", "%3D"),
    ):
        assert post(source, "/v1/page", data.encode(), "application/x-www-form-urlencoded").status_code == 200


def test_a_batch_keeps_the_good_and_names_the_bad(source: Source) -> None:
    answer = post(
        source,
        "/v1/batch",
        {"batch": [PAGE, {"type": "track", "userId": "u"}, {"type": "page"}, {**PAGE, "userId": 1.5}]},
    )
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert [(one["index"], one["field"]) for one in answer.json()["rejected"]] == [
        (1, "event"),
        (2, "userId"),
        (3, "userId"),
    ]
    assert Inbox.objects.get().messages == 1
    assert Rejected.objects.count() == 3
    resolve_all()
    assert Event.objects.count() == 1
    assert Rejected.objects.count() == 3, "what was refused on receipt is not refused again"


def test_when_all_are_bad_the_answer_is_400_and_they_are_kept(source: Source) -> None:
    answer = post(source, "/v1/track", {"userId": "u"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_message"
    assert answer.json()["field"] == "event"
    assert "event" in answer.json()["message"]
    assert Rejected.objects.get().stage == "receive"
    assert not Inbox.objects.exists()


@pytest.mark.parametrize("user", [7, "7", None, ""])
def test_a_user_id_may_be_a_number_text_null_or_empty(source: Source, user: Any) -> None:
    assert post(source, "/v1/page", {**PAGE, "userId": user}).status_code == 200


def test_times_are_corrected_by_the_clock_that_sent_them(source: Source) -> None:
    def stored(path: str, body: Any) -> str:
        Event.objects.all().delete()
        assert post(source, path, body).status_code == 200
        resolve_all()
        return Event.objects.get().time.isoformat()[:16]

    received = "2020-01-01T12:00"
    with pytest.MonkeyPatch.context() as patch:
        from datetime import datetime

        patch.setattr("connectors.receive.timezone.now", lambda: datetime.fromisoformat(f"{received}:00+00:00"))
        patch.setattr("profiles.read.parse", __import__("profiles.message").message.parse)
        slow = {**PAGE, "timestamp": "2020-01-01T09:30:00Z", "messageId": "1"}
        # The sender's clock is two hours behind.
        assert stored("/v1/batch", {"batch": [slow], "sentAt": "2020-01-01T10:00:00Z"}) == "2020-01-01T11:30"
        assert (
            stored("/v1/batch", {"batch": [{**slow, "messageId": "2", "sentAt": "2020-01-01T11:00:00Z"}]})
            == "2020-01-01T10:30"
        )
        assert stored("/v1/page", {**slow, "messageId": "3"}) == "2020-01-01T09:30"
        assert (
            stored("/v1/import", {"batch": [{**slow, "messageId": "4"}], "sentAt": "2020-01-01T10:00:00Z"})
            == "2020-01-01T09:30"
        )
        original = {**PAGE, "originalTimestamp": "2020-01-01T08:00:00Z", "messageId": "5"}
        assert stored("/v1/page", original) == "2020-01-01T08:00"


def test_nothing_is_acknowledged_when_the_database_is_away(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(inbox, "store", away)
    monkeypatch.setattr("connectors.receive.connection.close", lambda: None)
    answer = post(source, "/v1/page", PAGE)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert answer.json()["code"] == "unavailable"
    assert "closed" not in answer.json()["message"]


def test_a_source_with_a_limit_is_told_when_to_come_again(source: Source) -> None:
    Source.objects.update(rate_limit=2)
    batch = {"batch": [{**PAGE, "messageId": str(n)} for n in range(2)]}
    assert post(source, "/v1/batch", batch).status_code == 200
    answer = post(source, "/v1/page", PAGE)
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
    assert Inbox.objects.count() == 1


def test_the_count_begins_anew_each_minute(source: Source) -> None:
    from datetime import timedelta

    from connectors.models import RateWindow

    assert limits.wait_for(source.id, 5, 5) == 0
    assert limits.wait_for(source.id, 5, 1) > 0
    RateWindow.objects.update(minute=RateWindow.objects.get().minute - timedelta(minutes=1))
    assert limits.wait_for(source.id, 5, 5) == 0


def test_what_is_refused_is_not_counted(source: Source) -> None:
    assert limits.wait_for(source.id, 5, 3) == 0
    assert limits.wait_for(source.id, 5, 3) > 0
    assert limits.wait_for(source.id, 5, 2) == 0


def test_a_batch_larger_than_the_limit_has_a_minute_to_itself(source: Source) -> None:
    assert limits.wait_for(source.id, 5, 50) == 0
    assert limits.wait_for(source.id, 5, 1) > 0


def test_only_post_sends(source: Source) -> None:
    answer = Client().get("/v1/track", headers={"Authorization": basic(source.write_key)})
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path", ["/v1/track", "/v1/batch", "/beacon/v1/batch", "/sourceConfig/", "/v1/projects/wrong/settings"]
)
def test_every_answer_may_be_read_by_a_browser_on_any_site(source: Source, path: str) -> None:
    origin = {"Origin": "https://shop.example.com"}
    for answer in (Client().options(path, headers=origin), Client().post(path, b"{", "text/plain", headers=origin)):
        assert answer["Access-Control-Allow-Origin"] == "https://shop.example.com"
        assert answer["Access-Control-Expose-Headers"] == "retry-after"
    allowed = Client().options(path, headers=origin)["Access-Control-Allow-Headers"].split(", ")
    assert {"authorization", "content-type", "x-retry-count", "anonymousid", "sentat"} <= set(allowed)


def test_the_browser_sdk_is_told_where_to_send(source: Source) -> None:
    answer = Client().get(f"/v1/projects/{source.write_key}/settings", headers={"Host": "localhost"})
    assert answer.json()["integrations"]["Segment.io"]["apiHost"] == "localhost/v1"
    assert Client().get("/v1/projects/wrong/settings").status_code == 404


def test_rudderstacks_sdk_is_told_that_the_source_is_on(source: Source) -> None:
    answer = Client().get("/sourceConfig/?p=npm&v=3", headers={"Authorization": basic(source.write_key)})
    assert answer.json()["source"]["enabled"] is True
    assert Client().get("/sourceConfig/").status_code == 401


def test_what_is_stored_is_what_came(source: Source) -> None:
    body = b'{"batch":[{"type":"page","anonymousId":"a1","properties":{"n":1.0,"t":"\\u00e9"}}]}'
    post(source, "/v1/batch", gzip.compress(body))
    assert bytes(Inbox.objects.get().body) == body


@pytest.mark.parametrize("path", ["/beacon/v1/batch/", "/v1/projects/{}/settings/", "/v1/track/"])
def test_a_slash_at_the_end_does_no_harm(source: Source, path: str) -> None:
    address = path.format(source.write_key)
    body = {"batch": [PAGE]} if "batch" in address else {**PAGE, "type": "track", "event": "E"}
    answer = Client().get(address) if "settings" in address else post(source, address, body)
    assert answer.status_code == 200, answer.content
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_an_address_that_is_not_served_here_is_an_answer_not_a_fault(source: Source) -> None:
    answer = Client().get(f"/v1/projects/{source.write_key}/settings", headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_host")


@pytest.mark.parametrize("path", ["/v1/trakc", "/v1/", "/v1", "/v1/projects/x/nothing"])
@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_an_address_of_the_api_that_is_not_there_is_told_as_sdks_read_it(path: str, method: str) -> None:
    answer = getattr(Client(), method)(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_address")
    assert answer["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("number", ["9" * 5000, "1e999"])
def test_a_number_that_nothing_holds_is_refused_with_the_field_that_it_is_in(source: Source, number: str) -> None:
    body = b'{"event":"Paid","userId":"u","properties":{"total":%s}}' % number.encode()
    answer = post(source, "/v1/track", body)
    assert (answer.status_code, answer.json()["field"]) == (400, "properties")
