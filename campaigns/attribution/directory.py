"""What origins stand for: channels and campaigns by place, kept in the process until any of it changes."""

from dataclasses import dataclass, field

import numpy as np

from campaigns.attribution.channel_table import DIRECT, UNASSIGNED
from cdp_site import sql


@dataclass(frozen=True)
class Named:
    """A channel or campaign as the dashboards show it. `id` 0: 'Unassigned', where there is no channel of that kind.
    `channel`: place of a campaign's channel, -1 for none."""

    id: int
    name: str
    hue: int = 200
    paid: bool = False
    channel: int = -1
    margin: float | None = None


@dataclass(frozen=True, eq=False)
class Directory:
    """What the places in `Journeys.channel` and `.campaign` stand for, as of now. `revision` changes when any of it, or
    what origins are put down to, does. `channel_of` (int16), `campaign_of` (int32, -1 for none): places by origin; the
    last is for origins that came since."""

    channels: tuple[Named, ...]
    campaigns: tuple[Named, ...]
    revision: int
    channel_of: np.ndarray = field(repr=False)
    campaign_of: np.ndarray = field(repr=False)

    def place(self, channel: int) -> int | None:
        """The place of a channel's id."""
        return next((place for place, one in enumerate(self.channels) if one.id == channel), None)

    def campaign_place(self, campaign: int) -> int | None:
        """The place of a campaign's id."""
        return next((place for place, one in enumerate(self.campaigns) if one.id == campaign), None)

    @property
    def direct(self) -> int:
        """The place of Direct, -1 without one."""
        place = self.place(DIRECT)
        return -1 if place is None else place


# Exclusive or: the order of rows doesn't matter, and rows that changed both ways at once are told apart by their ids.
_REVISION = """
SELECT coalesce((SELECT bit_xor(hashtextextended(concat_ws('|', name, hue, paid), id)) FROM channel), 0)
     # coalesce((SELECT bit_xor(hashtextextended(
           concat_ws('|', 'campaign', name, coalesce(channel_id, 0), coalesce(merged_into_id, 0), coalesce(margin, -1)), id
       )) FROM campaign), 0)
     # coalesce((SELECT bit_xor(hashtextextended('origin', id) # hashint8extended(coalesce(channel_id, 0), id::bigint)
                                # hashint8extended(coalesce(campaign_id, 0), 4294967296 + id)) FROM touch_origin), 0)
"""
_CHANNELS = "SELECT id, name, hue, paid FROM channel ORDER BY lower(name), id"
_CAMPAIGNS = """
SELECT id, name, channel_id, margin::float8, merged_into_id FROM campaign ORDER BY lower(name), id
"""
_ORIGINS = "SELECT id, coalesce(channel_id, 0), coalesce(campaign_id, 0) FROM touch_origin ORDER BY id"
_latest: Directory | None = None


def directory() -> Directory:
    """All channels and campaigns by name, and where origins belong. Cost: one small query (1 µs an origin), three more
    when anything changed."""
    global _latest
    revision: int = sql.rows(_REVISION)[0][0]
    if _latest is None or _latest.revision != revision:
        _latest = _read(revision)
    return _latest


def _read(revision: int) -> Directory:
    channels = [Named(id, name, hue, paid) for id, name, hue, paid in sql.rows(_CHANNELS)]
    if not any(one.id == UNASSIGNED for one in channels):
        channels.append(Named(0, "Unassigned"))
    places = {one.id: place for place, one in enumerate(channels)}
    other = places.get(UNASSIGNED, len(channels) - 1)
    rows = sql.rows(_CAMPAIGNS)
    living = [row for row in rows if row[4] is None]
    campaigns = [
        Named(id, name, channels[places[channel]].hue if channel in places else 200, channel=places.get(channel, -1),
              paid=channel in places and channels[places[channel]].paid, margin=margin)
        for id, name, channel, margin, _ in living
    ]  # fmt: skip
    campaign_places = {one.id: place for place, one in enumerate(campaigns)}
    # Names of merged campaigns lead to the living one.
    campaign_places |= {row[0]: campaign_places[row[4]] for row in rows if row[4] in campaign_places}
    origins = sql.packed(_ORIGINS, (), [("id", "i8"), ("channel", "i8"), ("campaign", "i8")])
    size = int(origins["id"].max(initial=-1)) + 2
    channel_of, campaign_of = np.full(size, other, np.int16), np.full(size, -1, np.int32)
    channel_of[origins["id"]] = _looked_up(origins["channel"], places, other)
    campaign_of[origins["id"]] = _looked_up(origins["campaign"], campaign_places, -1)
    return Directory(tuple(channels), tuple(campaigns), revision, channel_of, campaign_of)


def _looked_up(ids: np.ndarray, places: dict[int, int], missing: int) -> np.ndarray:
    distinct, which = np.unique(ids, return_inverse=True)
    found = np.array([places.get(id, missing) for id in distinct.tolist()], np.int64)
    answer: np.ndarray = found[which] if len(distinct) else found
    return answer
