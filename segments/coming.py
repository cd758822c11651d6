"""The members that a new rule will have: kept apart while it is evaluated over everybody, then swapped in at once.

Until then the segment keeps the members of its old rule, and live batches follow both. In `members.Asked` and in what was
judged, the new rule of the segment n goes by the number -n.
"""

from collections.abc import Mapping

import numpy as np

from cdp_site import sql
from cdp_site.arrays import int8s
from segments.load import array
from segments.models import Segment

_FORGET = """
DELETE FROM coming_member
WHERE profile_id = ANY(%(people)s::bigint[]) AND segment_id = ANY(%(segments)s::bigint[])
"""
_FORGET_RANGE = "DELETE FROM coming_member WHERE segment_id = %s AND profile_id > %s AND profile_id <= %s"
_FORGET_ALL = "DELETE FROM coming_member WHERE segment_id = %s"
_KEEP = """
INSERT INTO coming_member (profile_id, segment_id)
SELECT profile_id, segment_id FROM unnest(%b::bigint[], %b::bigint[]) AS judged (profile_id, segment_id)
ON CONFLICT DO NOTHING
"""
_CAME = """
SELECT profile_id FROM coming_member AS coming WHERE segment_id = %(segment)s AND NOT EXISTS (
    SELECT FROM membership WHERE membership.profile_id = coming.profile_id AND membership.segment_id = coming.segment_id)
"""
_WENT = """
SELECT profile_id FROM membership WHERE segment_id = %(segment)s AND NOT EXISTS (
    SELECT FROM coming_member AS coming
    WHERE coming.profile_id = membership.profile_id AND coming.segment_id = membership.segment_id)
"""
_PUT_IN_PLACE = "UPDATE segment SET rule = coming, version = filling_version, coming = NULL WHERE id = %s"


def keep_listed(judged: Mapping[int, np.ndarray], people: np.ndarray) -> None:
    """These people are to be members of what was judged (by segment), and of no other of these segments."""
    if judged:
        with sql.cursor() as cursor:
            cursor.execute(_FORGET, {"people": array(people), "segments": list(judged)})
        for segment, members in judged.items():
            _keep(segment, members)


def keep_range(segment: int, members: np.ndarray, after: int, until: int) -> None:
    """Of everybody with after < id <= until just these are to be members."""
    with sql.cursor() as cursor:
        cursor.execute(_FORGET_RANGE, (segment, after, until))
    _keep(segment, members)


def difference(segment: int) -> tuple[np.ndarray, np.ndarray]:
    """Who will come and who will go. Cost: one pass over both sets of members."""
    came = sql.packed(_CAME, {"segment": segment}, [("profile_id", "i8")])["profile_id"]
    went = sql.packed(_WENT, {"segment": segment}, [("profile_id", "i8")])["profile_id"]
    return came, went


def put_in_place(segment: int) -> None:
    """The coming rule is the segment's now."""
    with sql.cursor() as cursor:
        cursor.execute(_PUT_IN_PLACE, (segment,))
    forget(segment)


def forget(segment: int) -> None:
    with sql.cursor() as cursor:
        cursor.execute(_FORGET_ALL, (segment,))


def swaps(segment: Segment) -> bool:
    """Whether a new rule of this segment swaps in at once: it is live, and its members have been found once."""
    if segment.status != Segment.Status.LIVE:
        return False
    return segment.coming is not None or segment.filling_version is None


def _keep(segment: int, members: np.ndarray) -> None:
    if len(members):
        with sql.cursor() as cursor:
            cursor.execute(_KEEP, (int8s(members), int8s(np.full(len(members), segment))))
