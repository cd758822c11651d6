"""What must hold of journeys: those that are kept are those that people's events make."""

from collections import Counter
from collections.abc import Iterator

from campaigns.attribution import keep, origins
from campaigns.attribution.hits import Range
from campaigns.models import Goal
from cdp_site import sql
from cdp_site.checks import check

_CHUNK = 2_000  # people
_LAST = 2**63 - 1
_IDS = "SELECT id FROM profile WHERE id > %s ORDER BY id LIMIT %s"
# Whose changes the stage 'attribute' hasn't seen to yet.
_PENDING = "SELECT profile_id FROM changed_profile UNION SELECT profile_id FROM evaluated_profile"


@check("journeys equal a full computation")
def journeys_are_true() -> Iterator[str]:
    """Cost: one pass over the events that tell of touchpoints or conversions, about 10 µs each.

    People who are still in a queue may be behind, and goals that are being computed anew aren't judged.
    """
    goals = list(Goal.objects.filter(enabled=True, cursor__isnull=True).order_by("id"))
    pending = {profile for (profile,) in sql.rows(_PENDING)} if goals else set()
    wrong: Counter[int] = Counter()
    after = 0
    while goals and after < _LAST:
        people = sql.rows(_IDS, (after, _CHUNK))
        until = people[-1][0] if len(people) == _CHUNK else _LAST
        before = keep.stored(Range(after, until), goals)
        now = keep.computed(Range(after, until), goals, origins.known_numbers)
        differing = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
        wrong.update(goal for profile, goal, _ in differing if profile not in pending)
        after = until
    for goal in goals:
        if wrong[goal.id]:
            yield (
                f"goal “{goal.name}”: {wrong[goal.id]:,} journeys aren't what people's events make; run"
                f' manage.py attribution recompute --goal "{goal.name}"'
            )


_ORPHANS = """
SELECT count(*) FROM journey AS one
WHERE NOT EXISTS (SELECT 1 FROM journey_block WHERE journey_block.goal_id = one.goal_id AND journey_block.day = one.day)
"""


@check("each journey's day is known to the blocks")
def days_are_known() -> Iterator[str]:
    number = sql.rows(_ORPHANS)[0][0]
    if number:
        yield f"{number:,} journeys are of days that no block is kept of: dashboards don't see them"
