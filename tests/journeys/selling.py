"""A shop that advertises: search opens, newsletters close (a holdout says what they add), banners cost more than they bring."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from campaigns.models import Cost, Experiment, SavedView
from cdp_site import stages
from connectors import authenticate
from connectors.models import Source
from tests.factories import SourceFactory
from tests.stream import send

EMAIL, SEARCH, DISPLAY = 15, 5, 8  # ids of channels that every installation has
# Of 60 each who got the newsletter and who, by chance, didn't.
BOUGHT_WITH, BOUGHT_WITHOUT, EACH = 36, 12, 60


def advertising_company() -> dict[str, Source]:
    """Some 200 people, their visits, mails, banners, orders and refunds of the last weeks; what two channels cost."""
    authenticate.forget()
    sources = {name: SourceFactory(name=name.title(), category=name) for name in ("web", "email", "ads", "till")}
    web: list[dict[str, Any]] = []
    mails: list[dict[str, Any]] = []
    ads: list[dict[str, Any]] = []
    for number in range(2 * EACH):
        treated = number % 2 == 0
        user, days = f"r{number}", 20 - number % 10
        mails.append(_enrolled(user, 22, treated))
        if number % 3 == 0:
            web.append(_visit(user, days + 3, "?utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=g" + user))
        buys = number // 2 < (BOUGHT_WITH if treated else BOUGHT_WITHOUT)
        if treated and buys:
            mails.append(_event("Email Clicked", user, days, campaign="Autumn newsletter"))
        elif buys:
            web.append(_visit(user, days, ""))
        if number % 4 == 0:
            ads.append(_event("Ad Viewed", user, days + 5, network="google", campaign="Banners"))
        if buys:
            web.append(_order(user, days, 60.0))
    for number in range(60):
        user, days = f"s{number}", 12 - number % 8
        if number % 2 == 0:
            web.append(_visit(user, days + 2, "?utm_source=gdn&utm_medium=display&utm_campaign=banners"))
        if number % 3:
            web.append(_visit(user, days + 1, "?utm_source=google&utm_medium=cpc&utm_campaign=brand"))
        if number % 5 == 0:
            web += [_visit(user, days, "", referrer="https://www.google.com/"), _order(user, days, 80.0, minutes=5)]
    send(sources["web"], *web)
    send(sources["email"], *mails)
    send(sources["ads"], *ads)
    send(sources["till"], *_store("s1", 3))
    stages.drain_all()
    Experiment.objects.update(channel_id=EMAIL)
    today = timezone.localdate()
    for channel, amount in ((SEARCH, 20), (DISPLAY, 90)):
        for days in range(20):
            Cost.objects.create(
                channel_id=channel, day=today - timedelta(days=days), amount=amount, currency="EUR", said_by="costs.csv"
            )
    stages.drain_all()
    return sources


def kept_view() -> SavedView:
    return SavedView.objects.create(name="New customers", page="attribution", query="days=30&buyers=new")


def _stamp(days: float, minutes: float) -> str:
    return (timezone.now() - timedelta(days=days) + timedelta(minutes=minutes)).isoformat()


def _event(name: str, user: str, days: float, minutes: float = -8, **properties: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": name,
        "userId": user,
        "timestamp": _stamp(days, minutes),
        "properties": properties,
    }


def _visit(user: str, days: float, query: str, referrer: str = "") -> dict[str, Any]:
    where = {"url": f"https://shop.example/{query}", "referrer": referrer}
    return {"type": "page", "userId": user, "timestamp": _stamp(days, -10), "context": {"page": where}}


def _order(user: str, days: float, total: float, minutes: float = 0) -> dict[str, Any]:
    said = {"order_id": f"o-{user}-{days}", "total": total, "currency": "EUR"}
    return _event("Order Completed", user, days, minutes, **said)


def _enrolled(user: str, days: float, treated: bool) -> dict[str, Any]:
    said = {"experiment_id": "newsletter", "experiment_name": "Newsletter holdout",
            "variation_id": "mail" if treated else "none", "variation_name": "Newsletter" if treated else "No newsletter",
            "control": not treated}  # fmt: skip
    return _event("Experiment Viewed", user, days, 0, **said)


def _store(user: str, days: float) -> list[dict[str, Any]]:
    return [_event("Store Visited", user, days), _order(user, days, 45.0)]
