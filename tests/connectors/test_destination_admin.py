"""Destinations and audiences are configured in the admin: secrets stay secret, nothing is sent unseen."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from werkzeug import Response

from cdp_site import stages
from connectors.models import Audience, Delivery, Destination
from segments.models import Segment
from tests.connectors.channel import SECRET, Channel, audience_of, person, put_in
from tests.factories import AudienceFactory, DestinationFactory, SegmentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin"), backend="django.contrib.auth.backends.ModelBackend")
    return client


def settings_of(destination: Destination) -> str:
    return reverse("admin:connectors_destination_change", args=[destination.pk])


def filled(**fields: object) -> dict[str, object]:
    return {"name": "Shop", "enabled": "on", "identifiers": ["email"], "traits": "city", "secret": ""} | fields


def act(audience: Audience, name: str) -> str:
    return reverse("admin:connectors_audience_act", args=[audience.pk, name])


def segments_form(*rows: tuple[str, Segment]) -> dict[str, object]:
    form: dict[str, object] = {"segments-TOTAL_FORMS": len(rows), "segments-INITIAL_FORMS": 0}
    for number, (role, segment) in enumerate(rows):
        form |= {f"segments-{number}-role": role, f"segments-{number}-segment": segment.pk}
    return form


def test_a_destination_is_made_in_two_steps_and_its_secret_is_shown_once(admin: Client) -> None:
    page = admin.get(reverse("admin:connectors_destination_add"))
    assert "Posts who joined and who left" in page.text
    assert "Writes files" in page.text
    made = admin.post(reverse("admin:connectors_destination_add"), {"name": "Shop", "kind": "webhook"})
    destination = Destination.objects.get()
    assert made.headers["Location"] == settings_of(destination)
    saved = admin.post(settings_of(destination), filled(url="https://shop.example/in", _continue="1"), follow=True)
    destination.refresh_from_db()
    assert destination.config["url"] == "https://shop.example/in"
    assert destination.config["traits"] == ["city"]
    assert destination.config["secret"] in saved.text
    assert destination.config["secret"] not in admin.get(settings_of(destination)).text


def test_an_empty_secret_stays_and_a_new_one_leaves_the_old_one_signing(admin: Client) -> None:
    destination = DestinationFactory(config={"url": "https://a.example/", "secret": SECRET, "identifiers": ["email"]})
    page = admin.get(settings_of(destination)).text
    assert SECRET not in page
    assert "One is stored" in page
    admin.post(settings_of(destination), filled(url="https://b.example/"))
    destination.refresh_from_db()
    assert (destination.config["secret"], destination.config["url"]) == (SECRET, "https://b.example/")
    renewed = admin.post(settings_of(destination), filled(url="https://b.example/", new_secret="on"), follow=True)
    destination.refresh_from_db()
    assert destination.config["secret"] != SECRET
    assert destination.config["old_secret"] == SECRET
    assert destination.config["secret"] in renewed.text
    assert SECRET not in renewed.text


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "ftp://shop.example/"},
        {"url": "file:///etc/passwd"},
        {"url": "https://ana:secret@shop.example/"},
        {"url": "https:///nowhere"},
        {"url": "https://shop.example:99999/"},
        {"url": ""},
        {"url": "https://shop.example/", "secret": "whsec_short"},
        {"url": "https://shop.example/", "secret": "not base64 at all, sorry"},
        {"url": "https://shop.example/", "identifiers": []},
        {"url": "https://shop.example/", "identifiers": ["device_id"]},
    ],
)
def test_settings_that_cannot_work_are_refused_with_a_reason(admin: Client, fields: dict[str, object]) -> None:
    destination = DestinationFactory(config={})
    answer = admin.post(settings_of(destination), filled(**fields))
    assert answer.status_code == 200
    assert "errorlist" in answer.text
    destination.refresh_from_db()
    assert destination.config == {}


def test_csv_settings_are_a_form_too(admin: Client) -> None:
    destination = DestinationFactory(kind="csv_file", config={})
    admin.post(settings_of(destination), filled(folder="../../etc", writes="both", minutes="5"))
    destination.refresh_from_db()
    assert destination.config == {}
    admin.post(settings_of(destination), filled(folder="crm", writes="both", minutes="5"))
    destination.refresh_from_db()
    assert destination.config["folder"] == "crm"


def test_a_connection_is_tested_with_a_signed_request_that_changes_nothing(admin: Client, channel: Channel) -> None:
    destination = DestinationFactory(config={"url": channel.url, "secret": channel.secret})
    test = reverse("admin:connectors_destination_test", args=[destination.pk])
    assert "it works" in admin.post(test, follow=True).text
    assert json.loads(channel.requests[0][1])["test"] is True
    assert channel.applied == 0
    channel.answers = [Response(status=401)]
    assert "doesn&#x27;t accept our credentials" in admin.post(test, follow=True).text
    assert admin.get(test).status_code == 405


def test_a_new_audience_shows_what_it_would_send_and_waits_for_a_yes(
    admin: Client, channel: Channel, loyal: Segment
) -> None:
    bought = SegmentFactory(name="Bought")
    everybody = [person() for _ in range(3)]
    put_in(loyal, *everybody)
    put_in(bought, everybody[0])
    destination = DestinationFactory(
        config={"url": channel.url, "secret": channel.secret, "identifiers": ["email"], "traits": []}
    )
    form = {"name": "New customers", "destination": destination.pk, "_save": "Save"}
    form |= segments_form(("include", loyal), ("exclude", bought))
    page = admin.post(reverse("admin:connectors_audience_add"), form, follow=True)
    assert "Would add 2, remove 0" in page.text
    stages.drain_all()
    assert channel.requests == []
    audience = Audience.objects.get()
    assert "Not started" in admin.get(reverse("admin:connectors_audience_change", args=[audience.pk])).text
    admin.post(act(audience, "start"))
    stages.drain_all()
    assert channel.people == {p.pk for p in everybody[1:]}
    page = admin.get(reverse("admin:connectors_audience_changelist"))
    assert "In step: 2 people there" in page.text
    assert "Loyal, without Bought" in page.text


def test_other_segments_are_not_sent_before_they_were_seen(admin: Client, channel: Channel, loyal: Segment) -> None:
    ana, ben = person(), person()
    other = SegmentFactory()
    put_in(loyal, ana)
    put_in(other, ben)
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    part = audience.segments.get()
    form = {"name": audience.name, "_save": "Save", "segments-TOTAL_FORMS": 1, "segments-INITIAL_FORMS": 1}
    form |= {"segments-0-id": part.pk, "segments-0-audience": audience.pk}
    form |= {"segments-0-role": "include", "segments-0-segment": other.pk}
    page = admin.post(reverse("admin:connectors_audience_change", args=[audience.pk]), form, follow=True)
    assert "Would add 1, remove 1" in page.text
    stages.drain_all()
    assert channel.people == {ana.pk}
    admin.post(act(audience, "start"))
    stages.drain_all()
    assert channel.people == {ben.pk}


def test_a_stopped_audience_says_why_and_saving_the_destination_retries(
    admin: Client, channel: Channel, loyal: Segment
) -> None:
    put_in(loyal, person())
    channel.answers = [Response(status=301, headers={"Location": "https://elsewhere.example/"})]
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    page = admin.get(reverse("admin:connectors_audience_change", args=[audience.pk])).text
    assert "Stopped" in page
    assert "enter the address that it leads to" in page
    assert "Retry now" in page
    admin.post(settings_of(audience.destination), filled(url=channel.url))
    stages.drain_all()
    assert len(channel.people) == 1


@pytest.mark.parametrize("name", ["pause", "compare", "send-everybody", "retry", "start"])
def test_every_button_asks_first_and_then_does(admin: Client, channel: Channel, loyal: Segment, name: str) -> None:
    put_in(loyal, person())
    audience = audience_of(channel, include=[loyal])
    stages.drain_all()
    assert admin.get(act(audience, name)).status_code == 200
    assert Audience.objects.get().compare_from is None
    assert "messagelist" in admin.post(act(audience, name), follow=True).text
    assert Audience.objects.get().enabled is (name != "pause")


def test_the_list_of_deliveries_names_nobody(admin: Client, channel: Channel, loyal: Segment) -> None:
    put_in(loyal, person(email="ana@example.com"))
    channel.answers = [Response(status=500)]
    audience_of(channel, include=[loyal])
    stages.drain_all()
    pages = admin.get(reverse("admin:connectors_delivery_changelist")).text
    pages += admin.get(reverse("admin:connectors_delivery_change", args=[Delivery.objects.get().pk])).text
    assert "fault of its own (500)" in pages
    assert "ana@example.com" not in pages
    assert admin.get(reverse("admin:connectors_delivery_add")).status_code == 403


def test_only_who_may_change_audiences_can_start_them(client: Client) -> None:
    audience = AudienceFactory(enabled=False)
    client.force_login(
        User.objects.create_user("staff", is_staff=True), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert client.post(act(audience, "start")).status_code == 403
    audience.refresh_from_db()
    assert audience.enabled is False
