"""People whom a destination knows by other identifiers than they have now are sent again.

Who was told what stands in `audience_member.sent`. It is compared when identifiers may have changed (a change without a
segment, see `segments.members.tell_of_people`), when a delivery is confirmed (they may have changed on its way), and once
a day for everybody. The rows are locked before the identifiers are read: a change that comes later finds them settled.
"""

from collections.abc import Sequence

import msgspec

from cdp_site import sql
from cdp_site.arrays import int8s
from connectors import changes
from connectors.models import Destination

_AUDIENCES = """
SELECT DISTINCT member.audience_id, audience.destination_id FROM audience_member AS member
JOIN audience ON audience.id = member.audience_id
WHERE member.profile_id = ANY(%b::bigint[]) AND member.wanted AND member.held IS NOT FALSE
ORDER BY member.audience_id
"""
_THERE = """
SELECT profile_id, sent, held AND delivery_id IS NULL FROM audience_member
WHERE audience_id = %(audience)b AND profile_id = ANY(%(profiles)b::bigint[]) AND wanted
ORDER BY profile_id FOR UPDATE
"""
_SEND_AGAIN = """
UPDATE audience_member SET held = NULL WHERE audience_id = %(audience)b AND profile_id = ANY(%(profiles)b::bigint[])
"""


def everywhere(people: Sequence[int]) -> None:
    """Have those of these people sent again that a destination knows otherwise. A few statements for each audience."""
    for audience, destination in sql.rows(_AUDIENCES, (int8s(sorted(set(people))),)):
        at(audience, destination, people)


def at(audience: int, destination: int, people: Sequence[int]) -> int:
    """The same for one audience; returns how many. Who is on the way is looked at again when that is confirmed."""
    about = {"audience": audience, "profiles": int8s(sorted(set(people)))}
    there = [(profile, sent) for profile, sent, settled in sql.rows(_THERE, about) if settled]
    again = known_otherwise(destination, there)
    if again:
        with sql.cursor() as cursor:
            cursor.execute(_SEND_AGAIN, about | {"profiles": int8s(again)}, prepare=True)
    return len(again)


def known_otherwise(destination: int, there: Sequence[tuple[int, str | None]]) -> list[int]:
    """Who of these (profile, what was sent, as JSON) has other identifiers now, or is to be known by others."""
    if not there:
        return []
    config = Destination.objects.get(pk=destination).config
    now = changes.describe([profile for profile, _ in there], config)
    return [
        profile
        for (profile, sent), member in zip(there, now, strict=True)
        if msgspec.json.decode(sent or "{}") != member.identifiers
    ]
