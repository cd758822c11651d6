"""Campaigns recognised from what arrives: a name that nobody has given to a campaign yet makes one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.models import Campaign, CampaignName
from cdp_site import sql
from cdp_site.ids import new_ids

# Somebody who sends a new campaign name with every mail must not make a million campaigns.
MOST_CAMPAIGNS = 10_000
Key = tuple[str, str, str]  # kind, source, value: a row of `CampaignName`


@dataclass(frozen=True)
class Named:
    """What origins say of their campaign, as columns."""

    source: Sequence[str]
    campaign_name: Sequence[str]
    ad: Sequence[str]
    channel: np.ndarray

    def given(self, place: int) -> list[Key]:
        """The names by which somebody may have said whose this origin is, the surest first. An empty source is any."""
        source, name, ad = self.source[place], self.campaign_name[place], self.ad[place]
        both = [("ad", ad), ("utm", name)]
        return [(kind, one, value) for kind, value in both if value for one in dict.fromkeys((source, ""))]

    def recognised(self, place: int) -> Key | None:
        """The one name by which its campaign is recognised, whatever else has arrived and in whatever order: the
        campaign's where there is one, for an ad's id is one of many of its campaign."""
        source, name, ad = self.source[place], self.campaign_name[place], self.ad[place]
        return ("utm", source, name) if name else ("ad", source, ad) if ad else None


def campaigns_of(named: Named) -> np.ndarray:
    """The campaign's id (int64, 0 for none) of each origin; campaigns that aren't known are made as recognised ones.

    Cost: all campaign names in one query; new ones in two statements, however many.
    """
    known: dict[Key, int] = {}
    given: dict[Key, int] = {}
    for kind, source, value, campaign, by_hand in CampaignName.objects.values_list(
        "kind", "source", "value", "campaign_id", "given"
    ):
        known[kind, source, value] = campaign
        if by_hand:
            given[kind, source, value] = campaign
    answer = np.zeros(len(named.source), np.int64)
    new: dict[Key, list[int]] = {}
    for place in range(len(answer)):
        key = named.recognised(place)
        if key is None:
            continue
        found = next((given[one] for one in named.given(place) if one in given), known.get(key, 0))
        answer[place] = found
        if not found:
            new.setdefault(key, []).append(place)
    for key, id in _make(new, named.channel).items():
        answer[new[key]] = id
    return answer


def _make(new: dict[Key, list[int]], channel: np.ndarray) -> dict[Key, int]:
    if not new:
        return {}
    names = set(Campaign.objects.values_list("name", flat=True))
    wanted = sorted(new)[: max(0, MOST_CAMPAIGNS - len(names))]
    made = {}
    campaigns = []
    for id, (kind, source, value) in zip(new_ids(len(wanted)), wanted, strict=True):
        made[kind, source, value] = id
        name = value if value not in names or not source else f"{value} ({source})"
        names.add(name)
        first = int(channel[new[kind, source, value][0]])
        campaigns.append(Campaign(id=id, name=name[:200], channel_id=first))
    Campaign.objects.bulk_create(campaigns)
    CampaignName.objects.bulk_create(
        CampaignName(campaign_id=id, kind=kind, source=source, value=value)
        for (kind, source, value), id in made.items()
    )
    return made


_FOLLOW = """
UPDATE campaign SET channel_id = most.channel
FROM (
    SELECT campaign_id, mode() WITHIN GROUP (ORDER BY channel_id) AS channel
    FROM touch_origin WHERE campaign_id IS NOT NULL AND channel_id IS NOT NULL GROUP BY 1
) AS most
WHERE campaign.id = most.campaign_id AND campaign.status = 'recognised'
  AND campaign.channel_id IS DISTINCT FROM most.channel
RETURNING 1
"""


def follow_channels() -> None:
    """Campaigns that nobody has confirmed yet are of the channel that most of their origins are of."""
    sql.rows(_FOLLOW)
