"""A small company whose messages make journeys: its sources, what they send, and what the journeys are by now."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from campaigns.models import Goal, Journey, Origin
from cdp_site import stages
from connectors.models import Source
from tests.factories import SourceFactory
from tests.stream import send

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAGES = ("evaluate", "attribute")
_numbers = itertools.count(1)


def sources() -> dict[str, Source]:
    """One source of each category that matters."""
    return {
        category: SourceFactory.create(category=category) for category in ("web", "app", "ads", "email", "till", "help")
    }


def at(days: float, minutes: float = 0) -> str:
    """So long after noon of the first day."""
    return (NOON + timedelta(days=days, minutes=minutes)).isoformat()


def page(anonymous: str, days: float, *, query: str = "", referrer: str = "", minutes: float = 0) -> dict[str, Any]:
    url = f"https://shop.example/linen{query}"
    return {
        "type": "page", "messageId": f"p{next(_numbers)}", "anonymousId": anonymous, "timestamp": at(days, minutes),
        "context": {"page": {"url": url, "referrer": referrer}, "userAgent": "Mozilla/5.0 (iPhone) Mobile"},
    }  # fmt: skip


def track(event: str, days: float, *, minutes: float = 0, **said: Any) -> dict[str, Any]:
    """An event; `anonymous`, `user` or `email` say whose, all else is its properties."""
    whose = {
        {"anonymous": "anonymousId", "user": "userId"}[name]: said.pop(name)
        for name in ("anonymous", "user")
        if name in said
    }
    context = {"traits": {"email": said.pop("email")}} if "email" in said else {}
    return {
        "type": "track", "event": event, "messageId": f"t{next(_numbers)}", "timestamp": at(days, minutes), **whose,
        "properties": said, "context": context,
    }  # fmt: skip


def order(days: float, number: str, total: float, **said: Any) -> dict[str, Any]:
    return track("Order Completed", days, order_id=number, total=total, **({"currency": "EUR"} | said))


def follow(*names: str) -> None:
    """Work off the stages up to the journeys."""
    for name in names or ("resolve", *STAGES):
        while stages.work_once(name):
            pass


def tell(source: Source, *messages: dict[str, Any]) -> None:
    """Send messages and follow them to the journeys."""
    send(source, *messages)
    follow()


@dataclass(frozen=True)
class Told:
    """A journey as tests read it: `touches` as (what an origin says last of itself, kind)."""

    converted: bool
    value: float
    new: bool
    touches: list[str]


def goal(**fields: Any) -> Goal:
    """The goal that every installation has, changed."""
    found = Goal.objects.get()
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def journeys(of: Goal | None = None) -> list[Told]:
    """All journeys in order of time."""
    words = {one.id: word(one) for one in Origin.objects.all()}
    found = Journey.objects.filter(**({"goal_id": of.id} if of else {})).order_by("time", "id")
    return [
        Told(one.converted, one.value / 1_000_000, one.new, [words[origin] for origin in one.origins]) for one in found
    ]


def word(origin: Origin) -> str:
    said = (origin.said, origin.campaign_name, origin.click, origin.source, origin.referrer, origin.event)
    return next((text for text in said if text), "direct")
