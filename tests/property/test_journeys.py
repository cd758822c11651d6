"""Journeys that followed every change are those of a full computation: whatever merges, parts, is refunded or comes late."""

import os
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from campaigns.attribution import goals
from campaigns.attribution.doctor import days_are_known, journeys_are_true
from campaigns.models import Goal, Journey, JourneyBlock
from cdp_site import sql, stages
from connectors.models import Source
from profiles import hand, identity, plans
from profiles.plans import Refused
from tests.campaigns.world import follow, order, page, sources, track
from tests.stream import send

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]
# A history is slow to play, and keys are drawn by the clock: what fails is shown as it was found.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
# More for a soak: CASES=1000.
CASES = int(os.environ.get("CASES", "15"))
Message = tuple[str, dict[str, Any]]
DAYS = st.integers(0, 80)
WHO = st.sampled_from(
    [{"anonymous": "a"}, {"anonymous": "b"}, {"user": "u"}, {"user": "v"}, {"email": "e@example.com"}]
)
AD: dict[str, Any] = {"network": "google", "campaign": "spring"}
NUMBERS = st.sampled_from(["1", "2", "3"])


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """(category of its source, what is sent)."""
    day, minutes = draw(DAYS), draw(st.sampled_from([0, 0, 5, 20, 40]))
    who: dict[str, Any] = draw(WHO)
    number: Any = draw(NUMBERS)
    match draw(st.integers(0, 9)):
        case 0 | 1:
            query = draw(st.sampled_from(["", "", "?gclid=1", "?utm_source=google&utm_campaign=spring", "?fbclid=2"]))
            referrer = draw(st.sampled_from(["", "https://google.com/", "https://shop.example/"]))
            return "web", page(draw(st.sampled_from("ab")), day, minutes=minutes, query=query, referrer=referrer)
        case 2:
            return "ads", track("Ad Clicked", day, minutes=minutes, **AD, **who)
        case 3:
            return "ads", track("Ad Viewed", day, minutes=minutes, **AD, **who)
        case 4:
            return "email", track("Email Link Clicked", day, minutes=minutes, subject="News", **who)
        case 5 | 6:
            total = draw(st.sampled_from([10, 20.5, 0]))
            return draw(st.sampled_from(["till", "web"])), order(day, number, total, minutes=minutes, **who)
        case 7:
            taken: dict[str, Any] = draw(st.sampled_from([{"total": 4}, {"total": 10}, {}]))
            return "till", track("Order Refunded", day, order_id=number, currency="EUR", **taken, **who)
        case 8:
            return "till", track("Order Cancelled", day, order_id=number, **who)
        case _:
            # What joins: an anonymous visitor, a user and an address.
            traits = {"traits": {"email": "e@example.com"}} if draw(st.booleans()) else {}
            said = {"type": "identify", "userId": draw(st.sampled_from("uv")), "timestamp": page("", day)["timestamp"]}
            anonymous = {"anonymousId": draw(st.sampled_from("ab"))} if draw(st.booleans()) or not traits else {}
            return "web", {**said, **anonymous, **traits, "messageId": f"i{draw(st.integers(0, 10**12))}"}


@pytest.fixture
def house() -> dict[str, Source]:
    return sources()


_LINKS = """
SELECT link.kind_id, link.value, other_kind_id, other_value FROM identity_link AS link
JOIN identifier AS one ON (one.kind_id, one.value) = (link.kind_id, link.value)
JOIN identifier AS other ON (other.kind_id, other.value) = (other_kind_id, other_value)
WHERE one.profile_id = other.profile_id AND link.kind_id <> 8 AND other_kind_id <> 8 ORDER BY 1, 2, 3, 4
"""


def by_hand(draw: Any) -> str:
    """Somebody puts two people together, or one apart."""
    try:
        if draw.draw(st.booleans()):
            links = sql.rows(_LINKS)
            if not links:
                return "nothing"
            a, b, c, d = draw.draw(st.sampled_from(links))
            hand.cut((a, b), (c, d), "ines", "two people")
            return "parted"
        ids = sorted(id for (id,) in sql.rows("SELECT id FROM profile"))
        if len(ids) < 2:
            return "nothing"
        one, other = draw.draw(st.permutations(ids))[:2]
        hand.join(*plans.people(one, other, identity.load_kinds()), "ines", "one person")
        return "joined"
    except Refused:
        return "refused"


def rows() -> list[tuple[Any, ...]]:
    return list(Journey.objects.order_by("profile_id", "goal_id", "id").values_list())


@given(st.lists(messages(), min_size=2, max_size=16), st.data())
@settings(max_examples=CASES, phases=PHASES, deadline=None, suppress_health_check=list(HealthCheck))
def test_followed_journeys_are_those_of_a_full_computation(
    house: dict[str, Source], history: list[Message], draw: Any
) -> None:
    with transaction.atomic():
        goals.save(
            Goal(name="Large", event="Order Completed", where=[{"property": "total", "is": "20.5"}], lookback_days=7)
        )
        # In any order: most messages come late. Stages run, or don't, between any two.
        for category, message in draw.draw(st.permutations(history)):
            send(house[category], message)
            for name in ("resolve", "evaluate", "attribute"):
                if draw.draw(st.booleans()):
                    stages.work_once(name)
            if draw.draw(st.integers(0, 5)) == 0:
                event(by_hand(draw))
        follow()
        followed = rows()
        assert [*journeys_are_true(), *days_are_known()] == []
        blocks = set(JourneyBlock.objects.values_list("goal_id", "day"))
        Journey.objects.all().delete()
        goals.recompute()
        follow("attribute")
        assert rows() == followed
        assert set(JourneyBlock.objects.values_list("goal_id", "day")) == blocks
        event(f"{min(len(followed), 9)} journeys")
        transaction.set_rollback(True)
