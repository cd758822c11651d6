"""What must hold of audiences and deliveries, asked of the live database."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from cdp_site import sql
from cdp_site.checks import check
from connectors import refresh, snapshot
from connectors.destinations.base import AudienceName
from connectors.models import Audience

# What was found this recently may not have been delivered yet.
SOON = timedelta(minutes=2)
OVERDUE = timedelta(minutes=10)
CHUNK = 10_000  # people

_UNSENT = """
SELECT audience.name, count(*) FROM audience_member AS member
JOIN audience ON audience.id = member.audience_id AND audience.enabled
JOIN destination ON destination.id = audience.destination_id AND destination.enabled
WHERE member.wanted IS DISTINCT FROM member.held AND member.refused = '' AND member.delivery_id IS NULL
  AND member.changed_at < %b
  AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.audience_id = audience.id
                  AND (delivery.state IN ('pending', 'failed') OR delivery.done_at > %b))
GROUP BY audience.id, audience.name
"""
_GIVEN_UP = """
SELECT audience.name, delivery.error FROM delivery JOIN audience ON audience.id = delivery.audience_id
WHERE delivery.state = 'failed' AND audience.enabled
"""
_OVERDUE = """
SELECT audience.name, count(*) FROM delivery JOIN audience ON audience.id = delivery.audience_id AND audience.enabled
JOIN destination ON destination.id = audience.destination_id AND destination.enabled
WHERE delivery.state = 'pending' AND delivery.next_attempt_at < %b
GROUP BY audience.id, audience.name
"""


@check("what each destination has is what it should have")
def destinations_have_what_they_should() -> Iterator[str]:
    """Differences that nothing is on its way for. What waits for a retry is fine; what was given up is not."""
    recent = timezone.now() - SOON
    for name, people in sql.rows(_UNSENT, (recent, recent)):
        yield f"{name}: {people:,} people differ and no delivery is on its way; is a worker running (manage.py work)?"
    for name, error in sql.rows(_GIVEN_UP):
        yield f"{name}: a delivery was given up: {error} Mend it, then choose 'Retry now' in the audience's list."
    for name, number in sql.rows(_OVERDUE, (timezone.now() - OVERDUE,)):
        yield f"{name}: {number} delivery should have been tried long ago; is a worker running (manage.py work)?"


# One statement, so one view of flips, memberships and members: who has a flip waiting isn't judged yet.
_WRONGLY_WANTED = """
WITH should AS (
    SELECT DISTINCT membership.profile_id FROM membership
    JOIN audience_segment AS part ON part.segment_id = membership.segment_id
    WHERE part.audience_id = %(audience)b AND part.role = 'include' AND NOT EXISTS (
        SELECT 1 FROM membership AS other JOIN audience_segment AS out ON out.segment_id = other.segment_id
        WHERE other.profile_id = membership.profile_id AND out.audience_id = %(audience)b AND out.role = 'exclude')
), wanted AS (
    SELECT profile_id FROM audience_member WHERE audience_id = %(audience)b AND wanted
)
SELECT count(*) FILTER (WHERE wanted.profile_id IS NULL), count(*) FILTER (WHERE should.profile_id IS NULL)
FROM should FULL JOIN wanted ON wanted.profile_id = should.profile_id
WHERE (should.profile_id IS NULL OR wanted.profile_id IS NULL)
  AND NOT EXISTS (SELECT 1 FROM changed_membership AS waiting
                  WHERE waiting.profile_id = coalesce(should.profile_id, wanted.profile_id))
"""


@check("each audience wants its included segments without the excluded")
def audiences_want_what_their_segments_say() -> Iterator[str]:
    """Cost: one pass over the memberships of each audience's segments."""
    for audience in Audience.objects.filter(compare_from=None, compared_at__isnull=False):
        missing, extra = sql.rows(_WRONGLY_WANTED, {"audience": audience.pk})[0]
        if missing or extra:
            yield f"{audience.name}: {missing:,} people of its segments are not wanted, {extra:,} others are"


_HELD = """
SELECT profile_id, sent FROM audience_member AS member
WHERE audience_id = %b AND profile_id > %b AND wanted AND held AND delivery_id IS NULL
  AND NOT EXISTS (SELECT 1 FROM changed_membership AS waiting WHERE waiting.profile_id = member.profile_id)
  AND NOT EXISTS (SELECT 1 FROM changed_profile AS waiting WHERE waiting.profile_id = member.profile_id)
ORDER BY profile_id LIMIT %b
"""


@check("each destination knows people by the identifiers they have")
def identifiers_at_destinations_are_current() -> Iterator[str]:
    """Cost: one pass over the members of each audience that is on, a chunk at a time."""
    for audience in Audience.objects.filter(enabled=True):
        last, off = 0, 0
        while there := sql.rows(_HELD, (audience.pk, last, CHUNK)):
            last = there[-1][0]
            off += len(refresh.known_otherwise(audience.destination_id, there))
        if off:
            yield f"{audience.name}: {off:,} people are known there by other identifiers than they have"


_STRAY = """
SELECT audience_member.delivery_id, count(*) FROM audience_member
LEFT JOIN delivery ON delivery.id = audience_member.delivery_id AND delivery.state IN ('pending', 'failed')
  AND delivery.audience_id = audience_member.audience_id
WHERE audience_member.delivery_id IS NOT NULL AND delivery.id IS NULL
GROUP BY audience_member.delivery_id
"""
_MISCOUNTED = """
SELECT delivery.id, delivery.adds + delivery.removes,
       (SELECT count(*) FROM audience_member AS member
        WHERE member.audience_id = delivery.audience_id AND member.delivery_id = delivery.id)
FROM delivery WHERE delivery.state IN ('pending', 'failed')
"""
_HOMELESS = """
SELECT audience_id, count(*) FROM audience_member
WHERE NOT EXISTS (SELECT 1 FROM audience WHERE audience.id = audience_member.audience_id) GROUP BY audience_id
"""


@check("each delivery under way carries its people, and each person carried has a delivery")
def deliveries_and_people_belong_together() -> Iterator[str]:
    for delivery, people in sql.rows(_STRAY):
        yield f"{people:,} people are marked as carried by delivery {delivery}, which isn't under way"
    for delivery, said, carried in sql.rows(_MISCOUNTED):
        if said != carried:
            yield f"delivery {delivery} was formed for {said:,} people, {carried:,} are marked as carried by it"
    for audience, people in sql.rows(_HOMELESS):
        yield f"{people:,} people are kept for audience {audience}, which is gone"


@check("whole lists at destinations are who is held")
def whole_lists_are_current() -> Iterator[str]:
    """Cost: reads each list once. One that is waiting for its next turn is left out."""
    waiting = {one.audience_id for one in snapshot.behind()}
    for audience in Audience.objects.filter(snapshot_at__isnull=False, destination__kind__in=snapshot.kinds()):
        destination = snapshot.load(audience.destination_id)
        if destination is None or destination.snapshot_every() is None or audience.pk in waiting:
            continue
        with snapshot.held(audience.pk, destination) as (latest, members):
            if latest == audience.snapshot_of and (
                off := destination.compare(AudienceName(str(audience.pk), audience.name), members)
            ):
                yield f"{audience.name}: {off}"
