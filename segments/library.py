"""Ready-made questions, to begin a segment with."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ready:
    key: str
    name: str
    explained: str
    rule: dict[str, Any]


READY = (
    Ready(
        "recent-buyers", "Bought in the last 7 days", "Anywhere, the store included: whom advertisements should leave alone.",
        {"all": [{"did": "Order Completed", "at_least": 1, "within_days": 7}]},
    ),
    Ready(
        "regulars", "More than two purchases in 60 days", "Your regulars of the moment.",
        {"all": [{"did": "Order Completed", "at_least": 3, "within_days": 60}]},
    ),
    Ready(
        "never-bought", "Visited but never bought", "Whom acquisition is for.",
        {"all": [{"did": "Page Viewed", "at_least": 1, "within_days": 90}, {"did": "Order Completed", "at_most": 0}]},
    ),
    Ready(
        "slipping-away", "Slipping away", "Bought twice or more, and nothing for 90 days.",
        {"all": [{"did": "Order Completed", "at_least": 2}, {"did": "Order Completed", "at_most": 0, "within_days": 90}]},
    ),
    Ready(
        "basket", "Left a basket", "Put something into the basket in three days, and bought nothing since.",
        {"all": [
            {"did": "Product Added", "at_least": 1, "within_days": 3},
            {"did": "Order Completed", "at_most": 0, "within_days": 3},
        ]},
    ),
    Ready(
        "readers", "Reads the newsletter", "Opened an e-mail in 30 days, and agreed to get it.",
        {"all": [{"did": "Email Opened", "at_least": 1, "within_days": 30}, {"trait": "consent_email", "is": True}]},
    ),
    Ready(
        "sleeping-readers", "Gets mail, doesn't read it", "Ten e-mails in 60 days and none opened.",
        {"all": [
            {"did": "Email Delivered", "at_least": 10, "within_days": 60},
            {"did": "Email Opened", "at_most": 0, "within_days": 60},
        ]},
    ),
    Ready(
        "asked-for-help", "Asked for help this month", "Opened a ticket in 30 days.",
        {"all": [{"did": "Ticket Opened", "at_least": 1, "within_days": 30}]},
    ),
)  # fmt: skip


def ready(key: str) -> Ready | None:
    return next((one for one in READY if one.key == key), None)
