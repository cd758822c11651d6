"""The office-supply scenario: who buys at the till is out of the acquisition audience at the channel within a second."""

import json
import time
from typing import Any

import pytest
from werkzeug import Response

from cdp_site import checks, stages
from cdp_site.ids import new_id
from connectors import settle
from connectors.models import Audience, Source
from profiles import inbox
from profiles.models import Identifier, Profile
from segments import changes
from segments.rules import Did, Events
from tests.connectors.channel import Channel, audience_of, held, latest
from tests.factories import SourceFactory

pytestmark = pytest.mark.django_db

PROMISED = 1.0  # second
CHAIR = {"name": "Desk chair", "category": "office"}


@pytest.fixture
def web() -> Source:
    return SourceFactory(name="Web shop", category="web")


@pytest.fixture
def till() -> Source:
    return SourceFactory(name="Till Goya", category="till", default_country="ES")


@pytest.fixture
def acquisition(channel: Channel) -> Audience:
    """People who look at office supplies and have never bought any, at an advertising channel."""
    lookers = changes.create("Looks at office supplies", Did(Events("Product Viewed")))
    buyers = changes.create("Has bought", Did(Events("Order Completed")))
    return audience_of(channel, include=[lookers], exclude=[buyers])


def say(source: Source, **message: Any) -> float:
    """A message comes in; returns when (monotonic seconds) it was durable, so acknowledged."""
    body = json.dumps({"messageId": str(new_id()), **message}).encode()
    inbox.store(source.pk, body, format="tracking", messages=1)
    return time.monotonic()


def person_of(kind_id: int, value: str) -> Profile:
    return Profile.objects.get(pk=Identifier.objects.get(kind_id=kind_id, value=value).profile_id)


@pytest.mark.parametrize(
    "shown",
    [
        {"properties": {"total": 129.0, "currency": "EUR", "loyalty_card": "5512-0077"}},
        {"properties": {"total": 129.0}, "context": {"traits": {"phone": "600 11 12 22"}}},
        {"properties": {"total": 129.0, "email": " Ana@Example.com "}},
    ],
    ids=["loyalty card", "phone as spoken", "e-mail as typed"],
)
def test_a_till_purchase_leaves_the_acquisition_audience_within_a_second(
    channel: Channel, web: Source, till: Source, acquisition: Audience, shown: dict[str, Any]
) -> None:
    traits = {"email": "ana@example.com", "phone": "+34600111222", "loyalty_card": "5512-0077"}
    say(web, type="identify", userId="u1", anonymousId="a1", traits=traits)
    say(web, type="track", event="Product Viewed", anonymousId="a1", properties=CHAIR)
    say(web, type="track", event="Product Viewed", userId="u2", properties=CHAIR)
    stages.drain_all()
    ana, other = person_of(1, "u1"), person_of(1, "u2")
    assert channel.people == held(acquisition) == {ana.pk, other.pk}

    arrived: list[float] = []
    channel.after = lambda told: arrived.append(time.monotonic())
    stored = say(till, type="track", event="Order Completed", **shown)
    stages.drain_all()

    assert channel.people == held(acquisition) == {other.pk}
    assert "ana@example.com" not in channel.emails
    assert len(arrived) == 1
    assert arrived[0] - stored < PROMISED
    assert [finding.detail for finding in checks.run_all() if not finding.ok] == []


def test_a_purchase_that_joins_a_visitor_and_a_buyer_takes_the_visitor_out(
    channel: Channel, web: Source, till: Source, acquisition: Audience
) -> None:
    """The channel has somebody from the web; only the till's message shows that they hold a buyer's loyalty card."""
    say(till, type="track", event="Order Completed", properties={"total": 20, "loyalty_card": "7001"})
    say(web, type="identify", userId="u1", traits={"email": "ana@example.com"})
    say(web, type="track", event="Product Viewed", userId="u1", properties=CHAIR)
    stages.drain_all()
    assert channel.people == {person_of(1, "u1").pk}
    say(web, type="identify", userId="u1", traits={"loyalty_card": "7001"})
    stages.drain_all()
    assert person_of(1, "u1").pk == person_of(2, "7001").pk
    assert channel.people == channel.emails == held(acquisition) == set()
    assert [finding.detail for finding in checks.run_all() if not finding.ok] == []


def test_two_lookers_who_turn_out_to_be_one_stay_once_with_all_addresses(
    channel: Channel, web: Source, acquisition: Audience
) -> None:
    say(web, type="identify", anonymousId="a1", traits={"email": "ana@example.com"})
    say(web, type="track", event="Product Viewed", anonymousId="a1", properties=CHAIR)
    say(web, type="identify", anonymousId="a2", traits={"email": "ana@work.example", "phone": "+34600111222"})
    say(web, type="track", event="Product Viewed", anonymousId="a2", properties=CHAIR)
    stages.drain_all()
    assert len(channel.people) == 2
    say(web, type="identify", anonymousId="a1", traits={"phone": "+34600111222"})
    stages.drain_all()
    [ana] = channel.people
    assert held(acquisition) == {ana}
    assert channel.emails == {"ana@example.com", "ana@work.example"}
    assert [finding.detail for finding in checks.run_all() if not finding.ok] == []


def test_another_address_of_a_member_is_at_the_channel_at_once(
    channel: Channel, web: Source, till: Source, acquisition: Audience
) -> None:
    say(web, type="identify", userId="u1", traits={"email": "ana@example.com"})
    say(web, type="track", event="Product Viewed", userId="u1", properties=CHAIR)
    say(web, type="track", event="Product Viewed", userId="u2", properties=CHAIR)
    stages.drain_all()
    assert channel.emails == {"ana@example.com"}

    say(till, type="track", event="Asked", userId="u1", context={"traits": {"email": "ana@work.example"}})
    say(till, type="track", event="Asked", userId="u2", properties={"branch": "Goya"})
    stages.drain_all()

    assert channel.emails == {"ana@example.com", "ana@work.example"}
    assert [member["identifiers"]["user_id"] for member in channel.told()[-1]["added"]] == [["u1"]]
    assert len(channel.told()) == 2
    assert [finding.detail for finding in checks.run_all() if not finding.ok] == []


def test_an_address_that_comes_while_the_person_is_on_the_way_is_sent_after(
    channel: Channel, web: Source, acquisition: Audience
) -> None:
    channel.answers = [Response(status=503)]
    say(web, type="identify", userId="u1", traits={"email": "ana@example.com"})
    say(web, type="track", event="Product Viewed", userId="u1", properties=CHAIR)
    stages.drain_all()
    say(web, type="identify", userId="u1", traits={"email": "ana@work.example"})
    stages.drain_all()
    assert channel.emails == set()

    settle.retry_now(latest(acquisition))
    stages.drain_all()

    assert channel.emails == {"ana@example.com", "ana@work.example"}
    assert len(channel.told()) == 3
    assert [finding.detail for finding in checks.run_all() if not finding.ok] == []
