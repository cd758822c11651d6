"""Who a destination should have: flips and comparisons become `wanted`, person by person; `connectors.deliver` does the rest.

An audience's people are those in any of its included segments and in none of the excluded. A flip is looked at again in
the memberships as they are now, so it doesn't matter in which order flips come or how often one is looked at. A
comparison (a new audience, other segments, once a day) walks all its people in order of their ids, a chunk a batch.
Either also finds people whom the destination knows by other identifiers than they have now, and has them sent again.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import LiteralString

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from cdp_site import sql, stages
from cdp_site.arrays import int8s
from cdp_site.ids import first_at
from connectors import refresh
from connectors.models import Audience
from segments.models import PEOPLE_THEMSELVES

FLIPS_A_BATCH = 5_000
PEOPLE_A_CHUNK = 10_000
# So that whatever was ever missed is found.
COMPARED_EVERY = timedelta(days=1)
# How long it can be looked up what was delivered when.
KEPT_FOR = timedelta(days=90)


@dataclass(frozen=True)
class Preview:
    """What a destination would be sent now, in people."""

    add: int
    remove: int
    stay: int

    @property
    def sentence(self) -> str:
        if not self.add and not self.remove:
            return f"Nothing would change; {self.stay:,} there already." if self.stay else "There is nobody to send."
        return f"Would add {self.add:,}, remove {self.remove:,}, and leave {self.stay:,} as they are."


@stages.stage("sync", counts="flips_followed")
def follow_some() -> int:
    """Look at one batch of flips, else compare one chunk; returns how many flips and people were looked at."""
    with transaction.atomic():
        looked_at = _follow_flips() or _compare_chunk()
        if looked_at:
            stages.wake("deliver")
    return looked_at


_CLAIM = """
WITH next AS MATERIALIZED (SELECT id FROM changed_membership ORDER BY id LIMIT %b FOR UPDATE SKIP LOCKED)
DELETE FROM changed_membership WHERE id IN (SELECT id FROM next) RETURNING segment_id, profile_id
"""

# A person's place in an audience, by the memberships as they are now.
_IS_WANTED: LiteralString = """
    EXISTS (SELECT 1 FROM membership JOIN audience_segment AS part ON part.segment_id = membership.segment_id
            WHERE membership.profile_id = person.profile_id AND part.audience_id = person.audience_id
              AND part.role = 'include')
    AND NOT EXISTS (SELECT 1 FROM membership JOIN audience_segment AS part ON part.segment_id = membership.segment_id
            WHERE membership.profile_id = person.profile_id AND part.audience_id = person.audience_id
              AND part.role = 'exclude')
"""

# Who was never wanted needs no row. A person that was refused may be taken when something about them has changed.
_WRITE: LiteralString = """
INSERT INTO audience_member AS member (profile_id, audience_id, wanted, held, refused, changed_at)
SELECT profile_id, audience_id, wanted, false, '', %(at)b::timestamptz FROM judged
WHERE wanted OR EXISTS (
    SELECT 1 FROM audience_member AS old WHERE old.profile_id = judged.profile_id AND old.audience_id = judged.audience_id)
ORDER BY profile_id, audience_id
ON CONFLICT (profile_id, audience_id) DO UPDATE
SET wanted = excluded.wanted, changed_at = excluded.changed_at, refused = ''
WHERE member.wanted <> excluded.wanted
"""

# An audience that was never started has no state to keep up; starting it begins with a comparison.
_FOLLOW = f"""
WITH person AS (
    SELECT DISTINCT part.audience_id, flip.profile_id
    FROM unnest(%(segments)b::bigint[], %(profiles)b::bigint[]) AS flip (segment_id, profile_id)
    JOIN audience_segment AS part ON part.segment_id = flip.segment_id
    JOIN audience ON audience.id = part.audience_id AND (audience.enabled OR audience.compared_at IS NOT NULL)
), judged AS (
    SELECT profile_id, audience_id, {_IS_WANTED} AS wanted FROM person
)
{_WRITE}
"""


def _follow_flips() -> int:
    claimed = sql.rows(_CLAIM, (FLIPS_A_BATCH,))
    flips = [(segment, profile) for segment, profile in claimed if segment != PEOPLE_THEMSELVES]
    if flips:
        segments, profiles = zip(*flips, strict=True)
        with sql.cursor() as cursor:
            cursor.execute(
                _FOLLOW, {"segments": int8s(segments), "profiles": int8s(profiles), "at": timezone.now()}, prepare=True
            )
    themselves = [profile for segment, profile in claimed if segment == PEOPLE_THEMSELVES]
    if themselves:
        refresh.everywhere(themselves)
    return len(claimed)


# The audience's row stays locked until the chunk is written: a new comparison asked for meanwhile starts after it.
_NEXT_COMPARISON = """
SELECT id, destination_id, coalesce(compare_from, 0) FROM audience
WHERE compare_from IS NOT NULL OR (enabled AND compared_at < %b)
ORDER BY compare_from IS NULL, compared_at NULLS FIRST, id LIMIT 1
FOR NO KEY UPDATE
"""
# Both walks are in order of the primary keys, whose first column is the person.
_CHUNK = """
SELECT profile_id FROM (
    (SELECT DISTINCT profile_id FROM membership
     WHERE profile_id >= %(first)b AND segment_id IN (
        SELECT segment_id FROM audience_segment WHERE audience_id = %(audience)b AND role = 'include')
     ORDER BY profile_id LIMIT %(most)b)
    UNION
    (SELECT profile_id FROM audience_member WHERE profile_id >= %(first)b AND audience_id = %(audience)b
     ORDER BY profile_id LIMIT %(most)b)
) AS anybody ORDER BY profile_id LIMIT %(most)b
"""
_COMPARE = f"""
WITH person AS (
    SELECT profile_id, %(audience)b::bigint AS audience_id FROM unnest(%(profiles)b::bigint[]) AS chunk (profile_id)
), judged AS (
    SELECT profile_id, audience_id, {_IS_WANTED} AS wanted FROM person
)
{_WRITE}
"""
_ADVANCE = """
UPDATE audience SET compare_from = %b::bigint, compared_at = coalesce(%b::timestamptz, compared_at) WHERE id = %b
"""
# The last one stays: it says when the destination last heard from us.
_TIDY = """
DELETE FROM delivery WHERE audience_id = %(audience)b AND id < %(before)b AND state IN ('done', 'replaced')
  AND id < (SELECT max(id) FROM delivery WHERE audience_id = %(audience)b AND state = 'done')
"""


def _compare_chunk() -> int:
    """The next people of a comparison, if one was asked for or it is time for the daily one."""
    now = timezone.now()
    found = sql.rows(_NEXT_COMPARISON, (now - COMPARED_EVERY,))
    if not found:
        return 0
    audience, destination, first = found[0]
    chunk = {"audience": audience, "first": first, "most": PEOPLE_A_CHUNK}
    people = sorted(profile for (profile,) in sql.rows(_CHUNK, chunk))
    ended = len(people) < PEOPLE_A_CHUNK
    with sql.cursor() as cursor:
        if people:
            cursor.execute(_COMPARE, {"audience": audience, "profiles": int8s(people), "at": now}, prepare=True)
            refresh.at(audience, destination, people)
        if ended:
            cursor.execute(_TIDY, {"audience": audience, "before": first_at(now - KEPT_FOR)})
        cursor.execute(_ADVANCE, (None if ended else people[-1] + 1, now if ended else None, audience))
    return max(1, len(people))


@transaction.atomic
def compare(audience: Audience) -> None:
    """Ask for a full comparison with the segments, in the background; whom the destination refused is tried again."""
    Audience.objects.filter(pk=audience.pk).update(compare_from=0)
    sql.rows(
        "UPDATE audience_member SET refused = '' WHERE audience_id = %s AND refused <> '' RETURNING 1", (audience.pk,)
    )
    stages.wake("sync")


_FORGET = "UPDATE audience_member SET held = NULL WHERE audience_id = %b AND (wanted OR held IS NOT FALSE)"


@transaction.atomic
def send_everybody(audience: Audience) -> None:
    """Take nothing for granted about what the destination has (it lost its list, say): send the whole audience again."""
    with sql.cursor() as cursor:
        cursor.execute(_FORGET, (audience.pk,))
    compare(audience)


@transaction.atomic
def start(audience: Audience) -> None:
    """Let the destination follow the segments from now on, beginning with a full comparison."""
    Audience.objects.filter(pk=audience.pk).update(enabled=True)
    compare(audience)
    stages.wake("deliver")


def pause(audience: Audience) -> None:
    """Send nothing until it is started again. What should be there is still kept up, so nothing is missed."""
    Audience.objects.filter(pk=audience.pk).update(enabled=False)


_PREVIEW = """
WITH wanted AS (
    SELECT DISTINCT membership.profile_id FROM membership
    JOIN audience_segment AS part ON part.segment_id = membership.segment_id
    WHERE part.audience_id = %(audience)b AND part.role = 'include' AND NOT EXISTS (
        SELECT 1 FROM membership AS other JOIN audience_segment AS out ON out.segment_id = other.segment_id
        WHERE other.profile_id = membership.profile_id AND out.audience_id = %(audience)b AND out.role = 'exclude')
), held AS (
    SELECT profile_id FROM audience_member WHERE audience_id = %(audience)b AND held IS NOT FALSE
)
SELECT count(*) FILTER (WHERE held.profile_id IS NULL), count(*) FILTER (WHERE wanted.profile_id IS NULL),
       count(*) FILTER (WHERE held.profile_id = wanted.profile_id)
FROM wanted FULL JOIN held ON held.profile_id = wanted.profile_id
"""


def preview(audience: Audience) -> Preview:
    """What would be sent if the audience were started now. Cost: one pass over its segments' memberships."""
    add, remove, stay = sql.rows(_PREVIEW, {"audience": audience.pk})[0]
    return Preview(add, remove, stay)


@receiver(post_delete, sender=Audience)
def _forget_members(sender: type[Audience], instance: Audience, **_: object) -> None:
    with sql.cursor() as cursor:
        cursor.execute("DELETE FROM audience_member WHERE audience_id = %s", (instance.pk,))


__all__ = ["Preview", "compare", "follow_some", "pause", "preview", "send_everybody", "start"]
