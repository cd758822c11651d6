"""The stage 'traits': after a change of policy everybody's traits are decided anew, a chunk of people a batch.

It walks all people in the order of their ids and notes on each new policy how far it is, in the transaction of the chunk:
killed, it goes on where it was. A policy that is changed meanwhile begins anew, and the others don't lose what is done.
Whoever's traits changed is marked as changed, so that segments and channels follow.

Cost: about 20 µs of processor time a person; where traits are counted, about 140 of a person with 24 events. Measured in
docs/traits.md.
"""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from cdp_site import sql, stages
from cdp_site.arrays import int8s
from cdp_site.ids import new_ids
from cdp_site.models import Progress
from profiles import counts, policies, traits
from profiles.models.traits import EVERYBODY

# A drain that needs one of these people waits for a chunk at most: 0.1 s; with fewer of them 0.3 s where they are counted.
CHUNK = 2_000
COUNTED_CHUNK = 500
PROGRESS = "Traits decided anew"

_BEHIND = f"SELECT min(through), bool_or(rule = 'frequent') FROM trait_policy WHERE through < {EVERYBODY}"
_NEXT = "SELECT id FROM profile WHERE id > %b ORDER BY id LIMIT %b"
_LOCK = "SELECT id FROM profile WHERE id = ANY(%b::bigint[]) ORDER BY id FOR UPDATE"
_GO_ON = f"UPDATE trait_policy SET through = greatest(through, %b) WHERE through < {EVERYBODY}"
_DROP = "DELETE FROM trait_policy WHERE rule = 'as_others' AND through = %b"
# What was counted for a policy that is gone.
_FORGET = "DELETE FROM trait_count WHERE profile_id = ANY(%b::bigint[]) AND name <> ALL(%b::text[])"
_MARK = """
INSERT INTO changed_profile (id, profile_id, name_ids, at)
SELECT id, profile_id, '{}', %b::timestamptz FROM unnest(%b::bigint[], %b::bigint[]) AS changed (id, profile_id)
"""


@stages.stage("traits", counts="profiles_decided")
def decide_some() -> int:
    """One chunk; returns how many people were looked at (at least 1 while a policy is new)."""
    with transaction.atomic():
        behind = after, counting = sql.rows(_BEHIND)[0]
        if after is None:
            return 0
        chunk = [id for (id,) in sql.rows(_NEXT, (after, COUNTED_CHUNK if counting else CHUNK))]
        # Profiles first, then the policies: in the order of the drains. Who has merged meanwhile is gone.
        people = [id for (id,) in sql.rows(_LOCK, (int8s(chunk),))] if chunk else []
        rules = policies.hold()
        if sql.rows(_BEHIND)[0] != behind:
            return 1  # another runner came by, or a policy was changed: look again
        changed = _decide(people, rules)
        until = chunk[-1] if chunk else EVERYBODY
        with sql.cursor() as cursor:
            cursor.execute(_GO_ON, (until,))
            if until == EVERYBODY:
                cursor.execute(_DROP, (EVERYBODY,))
        _report(len(chunk), begins=after == 0, ends=until == EVERYBODY)
    if changed:
        stages.wake("evaluate")
    return max(1, len(chunk))


def _decide(people: Sequence[int], rules: policies.Policies) -> set[int]:
    with sql.cursor() as cursor:
        cursor.execute(_FORGET, (int8s(people), sorted(rules.frequent)))
    counts.recount(people, rules.counting)
    changed = traits.decide(people, rules)
    if changed:
        with sql.cursor() as cursor:
            cursor.execute(_MARK, (timezone.now(), int8s(new_ids(len(changed))), int8s(sorted(changed))))
    return changed


def _report(number: int, *, begins: bool, ends: bool) -> None:
    """Progress, as the front page and the admin show it."""
    found = None if begins else Progress.objects.filter(name=PROGRESS).first()
    if found is None:
        Progress.objects.filter(name=PROGRESS).delete()
        done, total = number, int(sql.rows("SELECT count(*) FROM profile")[0][0])
    else:
        done, total = found.done + number, found.total
    Progress.objects.report(PROGRESS, done, done if ends else max(total, done + 1))
