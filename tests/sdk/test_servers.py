"""The official server SDKs of Segment and RudderStack, told nothing but another host: every message on the right person."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import rudderstack.analytics as rudder
import segment.analytics as segment
from pytest_django.live_server_helper import LiveServer
from rudderstack.analytics.client import Client as RudderClient
from segment.analytics.client import Client as SegmentClient

from cdp_site import stages
from cdp_site.checks import run_all
from connectors import authenticate
from connectors.models import Source
from profiles.models import Event, EventName, Profile, Rejected
from tests.factories import SourceFactory
from tests.stream import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def source() -> Source:
    authenticate.forget()
    return SourceFactory()


@pytest.fixture(autouse=True)
def _everything_holds(transactional_db: None) -> Iterator[None]:
    yield
    assert [finding for finding in run_all() if not finding.ok] == []
    assert not Rejected.objects.exists()


def names_of(profile: Profile) -> list[str]:
    """What a person did, in order of arrival."""
    names = dict(EventName.objects.values_list("id", "name"))
    return [names[event.name_id] for event in Event.objects.filter(profile_id=profile.pk).order_by("id")]


def talk(client: Any) -> None:
    """All that the SDKs can say."""
    client.page(anonymous_id="a1", name="Home", properties={"path": "/"})
    client.identify("u1", {"email": "Ana@Example.com", "firstName": "Ana"}, anonymous_id="a1")
    client.track("u1", "Order Completed", {"total": 84.5, "currency": "EUR", "order_id": "o-1"})
    client.screen("u1", name="Basket")
    client.group("u1", "g1", {"name": "Acme"})
    client.track("u2", "Product Viewed", {"at": datetime(2026, 1, 1, tzinfo=UTC)})
    client.alias("u2", "u3")
    for number in range(250):  # more than one batch
        client.track("u1", "Counted", {"number": number})


@pytest.mark.parametrize("gzip", [False, True])
@pytest.mark.parametrize("make", ["segment", "rudder"])
def test_every_message_is_on_the_right_person(live_server: LiveServer, source: Source, make: str, gzip: bool) -> None:
    failures: list[Any] = []

    def failed(error: Exception, items: list[Any]) -> None:
        failures.append(error)

    common = {"gzip": gzip, "on_error": failed, "sync_mode": False, "max_retries": 1}
    if make == "segment":
        client: Any = SegmentClient(source.write_key, host=live_server.url, **common)
    else:
        client = RudderClient(source.write_key, host=live_server.url, **common)
    talk(client)
    client.shutdown()
    assert not failures
    stages.drain_all()
    ana = person(1, "u1")
    assert names_of(ana)[:5] == ["Page Viewed", "Identified", "Order Completed", "Screen Viewed", "Group Joined"]
    assert names_of(ana).count("Counted") == 250
    assert ana.email == "ana@example.com"
    assert person(7, "a1").pk == ana.pk, "the anonymous visit is hers"
    assert ana.traits["first_name"] == "Ana"
    assert "Acme" not in str(ana.traits)
    renamed = person(1, "u3")
    assert names_of(renamed) == ["Product Viewed", "Aliased"]
    assert person(1, "u2").pk == renamed.pk, "an alias makes one person of two ids"
    assert Event.objects.count() == 257


def test_the_module_level_clients_work_by_setting_the_host(live_server: LiveServer, source: Source) -> None:
    segment.write_key, segment.host, segment.sync_mode = source.write_key, live_server.url, True
    rudder.write_key, rudder.dataPlaneUrl, rudder.sync_mode = source.write_key, live_server.url, True
    try:
        segment.track("s1", "Said", {})
        rudder.track("r1", "Said", {})
        segment.flush()
        rudder.flush()
    finally:
        segment.default_client = rudder.default_client = None
    stages.drain_all()
    assert names_of(person(1, "s1")) == ["Said"]
    assert names_of(person(1, "r1")) == ["Said"]
