"""Which channel and which campaign each origin belongs to: the rule table and the campaigns' names, asked in one go.

Journeys keep origins, so what is assigned here shows at once on every page, whatever was said before.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.db import transaction

from campaigns.attribution.channel_table import BUILT_IN, DIRECT, UNASSIGNED
from campaigns.attribution.rules import CLICKS, FIELDS, OPERATORS, Origins, Rule, completed, first_lines, read
from campaigns.models import Channel, ChannelRule
from campaigns.recognise import Named, campaigns_of, follow_channels
from cdp_site import sql

__all__ = ["BUILT_IN", "DIRECT", "FIELDS", "OPERATORS", "UNASSIGNED", "assign", "channels_of", "origins", "table"]

# More than that is no table of channels any more; what is said beyond is Unassigned.
MOST_CHANNELS = 200

_ORIGINS = """
SELECT id, category, event, said, source, medium, campaign_name, ad, referrer, click, channel_id, campaign_id
FROM touch_origin WHERE %(all)s OR id = ANY(%(ids)s::int[]) ORDER BY id
"""
_WRITE = """
UPDATE touch_origin AS there SET channel_id = new.channel, campaign_id = nullif(new.campaign, 0)
FROM unnest(%(ids)s::int[], %(channels)s::bigint[], %(campaigns)s::bigint[]) AS new (id, channel, campaign)
WHERE there.id = new.id
  AND (there.channel_id, there.campaign_id) IS DISTINCT FROM (new.channel, nullif(new.campaign, 0))
RETURNING there.id
"""
# Two at once would make the same campaign twice.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('tributary channels', 0))"


def assign(ids: Sequence[int] | None = None) -> None:
    """Write each origin's channel and campaign: of some (new ones), or of all (the rules or the names changed).

    Channels that senders name and campaigns that arrive for the first time are made. Cost: one pass over the origins
    asked for (100,000: about two seconds), one statement that writes those that differ. In a transaction of the caller's,
    or one of its own.
    """
    with transaction.atomic():
        sql.rows(_ONE_AT_A_TIME)
        found = sql.rows(_ORIGINS, {"all": ids is None, "ids": list(ids or [])})
        if not found:
            return
        asked = origins(found)
        channels = channels_of(asked, table(), _said(asked))
        named = Named(_campaign_sources(found), asked.texts["campaign_name"], asked.texts["ad"], channels)
        campaigns = campaigns_of(named)
        columns = {"ids": asked.ids.tolist(), "channels": channels.tolist(), "campaigns": campaigns.tolist()}
        sql.rows(_WRITE, columns)
        if ids is None:
            follow_channels()


def table() -> list[Rule]:
    """The rule table, in order."""
    lines = ChannelRule.objects.order_by("position", "id").values_list("channel_id", "conditions")
    return [Rule(channel, read(conditions)) for channel, conditions in lines]


def every_origin() -> Origins:
    """All origins as columns. Cost: some thousand rows as a rule, never more than 100,000."""
    return origins(sql.rows(_ORIGINS, {"all": True, "ids": []}))


def origins(found: Sequence[tuple[Any, ...]]) -> Origins:
    """Rows of `_ORIGINS` as columns, source and medium completed."""
    columns = list(zip(*found, strict=True)) if found else [()] * 12
    ids, category, event, said, source, medium, campaign_name, ad, referrer, click, _, _ = columns
    full = [completed(*one) for one in zip(source, medium, referrer, click, event, strict=True)]
    texts: dict[str, Sequence[str]] = {
        "source": [one for one, _ in full], "medium": [one for _, one in full], "campaign_name": campaign_name, "ad": ad,
        "referrer": referrer, "click": click, "event": event, "category": category, "said": said,
    }  # fmt: skip
    return Origins(np.asarray(ids, np.int32), texts)


def channels_of(asked: Origins, rules: Sequence[Rule], said: Mapping[str, int]) -> np.ndarray:
    """The channel's id (int64) of each origin: what the sender says outright goes before every line but those that look
    at just that; where no line holds, Unassigned. Pure."""
    places = first_lines(asked, rules)
    by_rule = np.asarray([rule.channel for rule in rules] + [UNASSIGNED], np.int64)
    looks = np.asarray([any(one.field == "said" for one in rule.conditions) for rule in rules] + [False], bool)
    outright = np.fromiter((said.get(folded(text), 0) for text in asked.texts["said"]), np.int64, len(asked))
    return np.where((outright > 0) & ~looks[places], outright, by_rule[places])


def folded(name: str) -> str:
    """A channel's name as senders may spell it: 'E-Mail', 'email' and 'e_mail' are one."""
    return re.sub(r"[\W_]+", "", name.lower())


def _said(asked: Origins) -> dict[str, int]:
    """Channels by folded name; those that are said and aren't there yet are made, while there is room."""
    there = {folded(name): id for id, name in Channel.objects.values_list("id", "name")}
    new = {folded(text): text for text in asked.texts["said"] if folded(text) not in there}
    new.pop("", None)
    room = max(0, MOST_CHANNELS - len(there))
    made = [Channel(name=_titled(text), hue=hue_of(text)) for text in sorted(new.values())[:room]]
    Channel.objects.bulk_create(made, ignore_conflicts=True)
    if not made:
        return there
    return {folded(name): id for id, name in Channel.objects.values_list("id", "name")}


def said_now() -> dict[str, int]:
    """Channels by folded name, for `channels_of`, where nothing is to be made."""
    return {folded(name): id for id, name in Channel.objects.values_list("id", "name")}


def _titled(text: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in text[:80].split())


def hue_of(name: str) -> int:
    """A colour for a channel that nobody gave one: the same each time."""
    return int.from_bytes(hashlib.blake2b(folded(name).encode(), digest_size=2).digest()) % 360


def _campaign_sources(found: Sequence[tuple[Any, ...]]) -> list[str]:
    """Under which source a campaign's name is known: utm_source or the network, else the click id's network."""
    return [source or CLICKS.get(click, ("",))[0] for _, _, _, _, source, _, _, _, _, click, _, _ in found]
