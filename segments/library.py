"""Ready-made questions, to begin a segment with: what each is for, and why it asks what it asks."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ready:
    """`explained` is one sentence on its card; `why` says what its conditions stand for and what to change first."""

    key: str
    name: str
    explained: str
    rule: dict[str, Any]
    why: str = ""


# What somebody spent in a year.
_SPENT = {"total": "sum", "property": "total", "of": "Order Completed", "within_days": 365}
_JOINED = {"of": "Page Viewed", "where": [{"property": "path", "is": "/join"}]}

READY = (
    Ready(
        "regulars", "More than two purchases in 60 days", "Your regulars of the moment.",
        {"all": [{"did": "Order Completed", "at_least": 3, "within_days": 60}]},
        "Whoever drops below three leaves at the second at which the oldest order is 60 days old.",
    ),
    Ready(
        "high-value-quiet", "High value, not engaged for three weeks",
        "The best tenth by what they spent in a year, with no visit and no e-mail opened in 21 days.",
        {"all": [
            {"top": 10, "unit": "percent", "by": _SPENT},
            {"did": "Page Viewed", "at_most": 0, "within_days": 21},
            {"did": "Email Opened", "at_most": 0, "within_days": 21},
        ]},
        "The tenth is ranked anew in the background, so it stays a tenth as others spend more.",
    ),
    Ready(
        "slipping-away", "Slipping away",
        "Fewer purchases in 90 days than in the 90 before, no visit for a month, and fewer e-mails opened than before.",
        {"all": [
            {"changed": "fewer", "of": "Order Completed", "within_days": 90},
            {"did": "Page Viewed", "at_most": 0, "within_days": 30},
            {"changed": "fewer", "of": "Email Opened", "within_days": 90},
        ]},
        "Each person is compared with their own habit, not with everybody’s average.",
    ),
    Ready(
        "recent-buyers", "Bought in the last 7 days", "Anywhere, the store included: whom advertisements should leave alone.",
        {"all": [{"did": "Order Completed", "at_least": 1, "within_days": 7}]},
        "Meant as an exclusion: a purchase at a till takes its buyer out of an audience within seconds.",
    ),
    Ready(
        "about-to-churn", "About to churn, by score", "Whose risk of leaving is estimated above 70 %.",
        {"all": [{"score": "churn", "greater": 0.7}]},
        "Needs the trait score_churn, from a model of yours or one that sends it. Without one, use the next.",
    ),
    Ready(
        "about-to-churn-by-behaviour", "About to churn, by behaviour",
        "Bought at least twice in a year, last more than 60 days ago, and half as many visits as in the month before.",
        {"all": [
            {"did": "Order Completed", "at_least": 2, "within_days": 365},
            {"moment": "last", "of": "Order Completed", "over_days_ago": 60},
            {"changed": "fewer", "of": "Page Viewed", "within_days": 30, "percent": 50},
        ]},
        "What a score would see first: visits fall before purchases do.",
    ),
    Ready(
        "first-week", "New members in their first week", "Joined in the last seven days: time to say hello.",
        {"all": [{"moment": "first", **_JOINED, "in_last_days": 7}, {"has": "email"}]},
        "By the first time that they saw the page on which one joins; put your own event of joining in its place.",
    ),
    Ready(
        "basket", "Cart abandoned", "Put something into the basket in three days and has bought nothing since.",
        {"all": [
            {"did": "Product Added", "at_least": 1, "within_days": 3},
            {"did": "Order Completed", "at_most": 0, "since_last": "Product Added"},
        ]},
        "An order takes them out at once; adding something again begins anew.",
    ),
    Ready(
        "birthday", "Birthday next week", "Has their day in the next seven, and agreed to e-mail.",
        {"all": [{"trait": "birthday", "birthday_in": 7}, {"consent": "email", "is": "given"}]},
        "By the company’s calendar; 29 February is kept on 1 March where the year has none.",
    ),
    Ready(
        "vip-waiting", "VIP with an open ticket", "Of the best twentieth by spending, those who wait for an answer.",
        {"all": [
            {"top": 5, "unit": "percent", "by": _SPENT},
            {"records": "ticket", "state": "open"},
        ]},
        "They leave it when the ticket is solved.",
    ),
    Ready(
        "never-bought", "Visited but never bought", "Whom acquisition is for.",
        {"all": [{"did": "Page Viewed", "at_least": 1, "within_days": 90}, {"did": "Order Completed", "at_most": 0}]},
    ),
    Ready(
        "readers", "Reads the newsletter", "Opened an e-mail in 30 days, and agreed to get it.",
        {"all": [{"did": "Email Opened", "at_least": 1, "within_days": 30}, {"consent": "email", "is": "given"}]},
    ),
    Ready(
        "sleeping-readers", "Gets mail, doesn’t read it", "Ten e-mails in 60 days and none opened.",
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
