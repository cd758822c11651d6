"""A channel follows when people are put apart or joined by hand."""

import pytest

from cdp_site import checks, stages
from profiles import hand
from profiles.identifiers import EMAIL, USER
from profiles.models import Merge
from segments import changes
from segments.rules import from_json
from tests.connectors.channel import Channel, audience_of
from tests.factories import SourceFactory
from tests.profiles.test_hand import ANA, BEN, WRONG
from tests.stream import person, send

pytestmark = pytest.mark.django_db
ANAS, BENS = "ana@example.com", "ben@example.com"


def test_the_audience_at_the_channel_follows_an_undone_merge_and_its_taking_back(channel: Channel) -> None:
    shop = SourceFactory(name="Shop")
    buyers = changes.create("Bought twice", from_json({"all": [{"did": "Order Completed", "at_least": 2}]}))
    audience_of(channel, include=[buyers])
    for some in (ANA, BEN):
        send(shop, *some)
        stages.drain_all()
    assert channel.emails == {BENS}
    send(shop, WRONG | {"anonymousId": "ben-home"})
    stages.drain_all()
    assert channel.people == {person(USER, "u1").pk} and channel.emails == {ANAS, BENS}

    done = hand.undo(person(USER, "u1").pk, Merge.objects.get().id, "ines", "Ben's computer")
    stages.drain_all()
    assert channel.people == {person(EMAIL, BENS).pk} and channel.emails == {BENS}

    hand.take_back(done.act_id, "ines", "one after all")
    stages.drain_all()
    assert channel.people == {person(USER, "u1").pk} and channel.emails == {ANAS, BENS}
    assert [one.detail for one in checks.run_all() if not one.ok] == []


def test_who_stays_in_the_audience_is_said_again_without_what_left(channel: Channel) -> None:
    shop = SourceFactory(name="Shop")
    buyers = changes.create("Bought", from_json({"all": [{"did": "Order Completed"}]}))
    audience_of(channel, include=[buyers])
    for some in (ANA, BEN, [WRONG | {"anonymousId": "ben-home"}]):
        send(shop, *some)
        stages.drain_all()
    ana = person(USER, "u1").pk
    assert channel.people == {ana} and channel.emails == {ANAS, BENS}
    hand.undo(ana, Merge.objects.get().id, "ines", "Ben's computer")
    stages.drain_all()
    ben = person(EMAIL, BENS).pk
    assert channel.people == {ana, ben} and channel.emails == {ANAS, BENS}
    last = channel.told()[-1]
    sent = {member["profile_id"]: member["identifiers"]["email"] for member in last["added"]}
    assert sent == {str(ana): [ANAS], str(ben): [BENS]}
