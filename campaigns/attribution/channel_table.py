"""The channels and the rule table that Tributary begins with: our own events first, then Google Analytics 4's default
channel grouping.

Source: 'Default channel group', support.google.com/analytics/answer/9756891 (the definitions for manual traffic, in the
order in which they are tried there), as read in November 2026. What is different, and why (docs/attribution.md says it
to marketers): events that aren't visits (mails, texts, calls, stores) come first, for Google has none; visits of the app
that nobody sent are App, not Direct; impressions count as Display where a search engine's network showed them; sites
that are mail boxes are E-mail; Google's regular expressions are written with *.
"""

from typing import Any

from django.db import connection, transaction

from campaigns.models import Channel, ChannelRule

DIRECT, UNASSIGNED = 1, 2  # ids of channels that can be renamed, but not removed
BUILT_IN = {DIRECT, UNASSIGNED}
# id, name, hue, paid
_CHANNELS = (
    (DIRECT, "Direct", 240, False),
    (UNASSIGNED, "Unassigned", 265, False),
    (3, "Cross-network", 285, True),
    (4, "Paid Shopping", 10, True),
    (5, "Paid Search", 25, True),
    (6, "Paid Social", 330, True),
    (7, "Paid Video", 305, True),
    (8, "Display", 345, True),
    (9, "Paid Other", 0, True),
    (10, "Organic Shopping", 110, False),
    (11, "Organic Social", 155, False),
    (12, "Organic Video", 170, False),
    (13, "Organic Search", 135, False),
    (14, "Referral", 190, False),
    (15, "E-mail", 80, False),
    (16, "Affiliates", 55, True),
    (17, "Audio", 65, True),
    (18, "SMS", 95, True),
    (19, "Mobile Push Notifications", 205, False),
    (20, "Store", 45, False),
    (21, "Call centre", 220, False),
    (22, "App", 275, False),
)
_NUMBERS = {name: id for id, name, _, _ in _CHANNELS}
_PAID = ("medium", "is", ["*cp*", "ppc", "retargeting", "paid*"])
_MAIL = ["email", "e-mail", "e_mail", "e mail"]
# ^(.*(([^a-df-z]|^)shop|shopping).*)$
_SHOP = ("campaign_name", "is", ["shop*", "*[!a-df-z]shop*", "*shopping*"])
_SEEN = ("event", "is", ["ad viewed", "ad impression"])
# Channel, then its conditions as (field, operator, value).
_RULES: tuple[tuple[str, tuple[tuple[str, str, list[str]], ...]], ...] = (
    ("E-mail", (("event", "is", ["email *"]),)),
    ("SMS", (("event", "is", ["sms *"]),)),
    ("Mobile Push Notifications", (("event", "is", ["push *"]),)),
    ("Store", (("event", "is", ["store visited"]),)),
    ("Call centre", (("event", "is", ["call *", "phone call", "ticket opened"]),)),
    ("App", (("category", "is", ["app"]), ("source", "is", ["(direct)"]), ("medium", "is", ["(none)"]))),
    # Google's, in Google's order.
    ("Direct", (("source", "is", ["(direct)"]), ("medium", "is", ["(not set)", "(none)"]))),
    ("Cross-network", (("campaign_name", "contains", ["cross-network"]),)),
    ("Paid Shopping", (("source", "listed", ["shopping"]), _PAID)),
    ("Paid Shopping", (_SHOP, _PAID)),
    ("Display", (_SEEN, ("source", "listed", ["search"]))),
    ("Paid Search", (("source", "listed", ["search"]), _PAID)),
    ("Paid Social", (("source", "listed", ["social"]), _PAID)),
    ("Paid Video", (("source", "listed", ["video"]), _PAID)),
    ("Display", (("medium", "is", ["display", "banner", "expandable", "interstitial", "cpm"]),)),
    ("Paid Other", (_PAID,)),
    ("Organic Shopping", (("source", "listed", ["shopping"]),)),
    ("Organic Shopping", (_SHOP,)),
    ("Organic Social", (("source", "listed", ["social"]),)),
    ("Organic Social", (
        ("medium", "is", ["social", "social-network", "social-media", "sm", "social network", "social media"]),
    )),
    ("Organic Video", (("source", "listed", ["video"]),)),
    ("Organic Video", (("medium", "contains", ["video"]),)),
    ("Organic Search", (("source", "listed", ["search"]),)),
    ("Organic Search", (("medium", "is", ["organic"]),)),
    ("E-mail", (("source", "listed", ["mail"]),)),
    ("E-mail", (("source", "is", _MAIL),)),
    ("E-mail", (("medium", "is", _MAIL),)),
    ("Affiliates", (("medium", "is", ["affiliate", "affiliates"]),)),
    ("Referral", (("medium", "is", ["referral", "app", "link"]),)),
    ("Audio", (("medium", "is", ["audio"]),)),
    ("SMS", (("source", "is", ["sms"]),)),
    ("SMS", (("medium", "is", ["sms"]),)),
    ("Mobile Push Notifications", (("medium", "is", ["*push", "*mobile*", "*notification*"]),)),
    ("Mobile Push Notifications", (("source", "is", ["firebase"]),)),
)  # fmt: skip


def default_rules() -> list[tuple[int, list[dict[str, Any]]]]:
    """(channel's id, conditions) of each line, in order."""
    return [
        (_NUMBERS[name], [{"field": field, "is": op, "value": value} for field, op, value in conditions])
        for name, conditions in _RULES
    ]


def add_missing(**_: object) -> None:
    """Give an installation without any channel the default ones; called after each `migrate`. Changes none that are there."""
    if Channel._meta.db_table not in connection.introspection.table_names() or Channel.objects.exists():
        return
    with transaction.atomic():
        Channel.objects.bulk_create(
            [Channel(id=id, name=name, hue=hue, paid=paid) for id, name, hue, paid in _CHANNELS], ignore_conflicts=True
        )
        _write_rules()


def restore() -> None:
    """The rule table as it was in the beginning; channels that were removed come back, others stay as they are."""
    with transaction.atomic():
        Channel.objects.bulk_create(
            [Channel(id=id, name=name, hue=hue, paid=paid) for id, name, hue, paid in _CHANNELS], ignore_conflicts=True
        )
        ChannelRule.objects.all().delete()
        _write_rules()


def _write_rules() -> None:
    there = set(Channel.objects.filter(id__in=_NUMBERS.values()).values_list("id", flat=True))
    ChannelRule.objects.bulk_create(
        ChannelRule(position=place, channel_id=channel, conditions=conditions)
        for place, (channel, conditions) in enumerate(default_rules())
        if channel in there
    )
