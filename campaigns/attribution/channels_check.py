"""For `manage.py doctor`: every origin is of the channel that the rule table says, and of a campaign that is there."""

from collections.abc import Iterable

from campaigns.attribution.channels import channels_of, every_origin, said_now, table
from campaigns.models import Channel
from cdp_site import sql
from cdp_site.checks import check

_CHANNELS = "SELECT id, coalesce(channel_id, 0) FROM touch_origin ORDER BY id"
_CAMPAIGNS = """
SELECT there.id, there.campaign_id FROM touch_origin AS there LEFT JOIN campaign ON campaign.id = there.campaign_id
WHERE there.campaign_id IS NOT NULL AND (campaign.id IS NULL OR campaign.status = 'merged') ORDER BY there.id
"""
_SIGNPOSTS = """
SELECT one.name FROM campaign AS one LEFT JOIN campaign AS other ON other.id = one.merged_into_id
WHERE one.status = 'merged' AND (other.id IS NULL OR other.status = 'merged') ORDER BY one.id
"""


@check("origins are of the channels and campaigns that the rules say")
def origins_are_assigned() -> Iterable[str]:
    names = dict(Channel.objects.values_list("id", "name"))
    asked = every_origin()
    wanted = channels_of(asked, table(), said_now())
    for (id, channel), right in zip(sql.rows(_CHANNELS), wanted.tolist(), strict=True):
        if channel != right:
            yield f"origin {id} is of {names.get(channel, 'no channel')} and should be of {names.get(right, right)}"
    for id, campaign in sql.rows(_CAMPAIGNS):
        yield f"origin {id} is of campaign {campaign}, which is gone or merged into another one"
    for (name,) in sql.rows(_SIGNPOSTS):
        yield f"campaign “{name}” was merged into one that isn't there"
