"""Who is who, decided by hand: a link cut, a merge undone, two people joined, and each of these taken back.

Evidence is changed and people are judged anew from it, by the same way that messages take, so whatever belongs to them
follows: events, records, traits at once, memberships and audiences behind. Every act is kept: who, when, what, why.

A cut outweighs all evidence, that to come as well; joining by hand takes the cuts between the two back.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from cdp_site import sql, stages
from cdp_site.arrays import int8s
from cdp_site.ids import new_id
from profiles import identity, plans, sealing, traits
from profiles.component import columns
from profiles.identifiers import Identifier, Kind, Pair, strength
from profiles.models import Act, ChangedProfile
from profiles.plans import Plan, Refused

Kinds = Mapping[int, Kind]


@dataclass(frozen=True)
class Done:
    """What an act left: its number, and who the two sides lead to now (None: to nobody yet)."""

    act_id: int
    one: int | None
    other: int | None


def cut(one: Identifier, other: Identifier, by: str, reason: str) -> Done:
    """These two identifiers aren't one person's, whatever was or will be said."""
    return _carry_out(lambda kinds: plans.cut(one, other, kinds), by, reason)


def keep_apart(one: Identifier, other: Identifier, by: str, reason: str) -> Done:
    """The people of these two identifiers are two, and stay two."""
    return _carry_out(lambda kinds: plans.keep_apart(one, other, kinds), by, reason)


def undo(profile_id: int, merge_id: int, by: str, reason: str) -> Done:
    """Who became one by this merge are two again, and stay two."""
    return _carry_out(lambda kinds: plans.undo(profile_id, merge_id, kinds), by, reason)


def join(one: Identifier, other: Identifier, by: str, reason: str) -> Done:
    """The people of these two identifiers are one, whatever the limits say."""
    return _carry_out(lambda kinds: plans.join(one, other, kinds), by, reason)


def take_back(act_id: int, by: str, reason: str) -> Done:
    """As if that act had never been."""

    def planned(_: Kinds) -> Plan:
        # Read in the transaction: two who take it back at once do it once.
        return plans.take_back(Act.objects.get(pk=act_id))

    return _carry_out(planned, by, reason)


_LOCK = "SELECT id FROM profile WHERE id = ANY(%b::bigint[]) ORDER BY id FOR UPDATE"
_NOTED = (
    "UPDATE profile_merge SET act_id = %b::bigint WHERE profile_id = ANY(%b::bigint[]) AND id > %b",
    "UPDATE profile_part SET act_id = %b::bigint WHERE profile_id = ANY(%b::bigint[]) AND id > %b",
)


def _carry_out(planned: Callable[[Kinds], Plan], by: str, reason: str) -> Done:
    """One transaction, alone with the resolve stage's lock, done again from the start when it lost a race."""
    if not by or not reason.strip():
        raise Refused("Say why: the reason is kept with it.")

    def once() -> Done:
        with transaction.atomic():
            stages.hold("resolve")
            return _do(planned, by, reason.strip())

    done = stages.attempt(once)
    stages.wake("evaluate")
    return done


def _do(planned: Callable[[Kinds], Plan], by: str, reason: str) -> Done:
    kinds = identity.load_kinds()
    people = _people(planned(kinds))
    if [id for (id,) in sql.rows(_LOCK, (int8s(people),))] != people:
        raise stages.Again
    plan = planned(kinds)
    if _people(plan) != people:
        raise stages.Again
    key = new_id()
    wrote = _write(plan, by, reason)
    lost = {id for person in people for id in plans.ids_of(person)}
    placed = identity.rejudge(plan.ends, kinds)
    _follow_redirects(sorted(lost), kinds)
    changed = traits.decide(sorted(placed.regrouped)) | placed.regrouped | placed.given_more | placed.gone
    ChangedProfile.objects.bulk_create([ChangedProfile(profile_id=one) for one in sorted(changed)])
    concerned = int8s(sorted(changed | {*people}))
    with sql.cursor() as cursor:
        for query in _NOTED:
            cursor.execute(query, (key, concerned, key))
    homes = plans.homes_of({plan.one, plan.other})
    one, other = homes[plan.one], homes[plan.other]
    if one is None:
        one, other = other, one
    known = one or next(iter(people), plan.page)
    Act.objects.create(
        id=key, kind=plan.kind, by=by, reason=reason, profile_id=known, takes_back=plan.takes_back,
        other_id=other if other != known else next((id for id in people if id != known), None), **wrote,
    )  # fmt: skip
    return Done(key, homes[plan.one], homes[plan.other])


def _people(plan: Plan) -> list[int]:
    return sorted({home for home in plans.homes_of(plan.ends).values() if home is not None})


_PAIRS = "unnest(%b::smallint[], %b::text[], %b::smallint[], %b::text[]) AS pair (kind_id, value, other_kind_id, other_value)"
_CUT = f"""
INSERT INTO identity_cut (kind_id, value, other_kind_id, other_value, at, by, reason)
SELECT pair.*, %b::timestamptz, %b::text, %b::text FROM {_PAIRS}
ON CONFLICT DO NOTHING RETURNING kind_id, value, other_kind_id, other_value
"""
_UNCUT = f"""
DELETE FROM identity_cut WHERE (kind_id, value, other_kind_id, other_value) IN (SELECT pair.* FROM {_PAIRS})
RETURNING kind_id, value, other_kind_id, other_value
"""
_JOIN = f"""
INSERT INTO identity_link AS kept (kind_id, value, other_kind_id, other_value, first, last, stated, by_hand, verdict)
SELECT pair.*, %b::timestamptz, %b::timestamptz, true, true, 0 FROM {_PAIRS}
ON CONFLICT (kind_id, value, other_kind_id, other_value) DO UPDATE SET stated = true, by_hand = true,
    first = CASE WHEN kept.message_key IS NULL THEN excluded.first ELSE kept.first END,
    last = CASE WHEN kept.message_key IS NULL THEN excluded.last ELSE kept.last END
WHERE NOT kept.stated RETURNING kind_id, value, other_kind_id, other_value
"""
# What a message has said as well stays, as what it was.
_UNSAY = f"""
UPDATE identity_link SET stated = false, by_hand = false WHERE by_hand AND message_key IS NOT NULL
  AND (kind_id, value, other_kind_id, other_value) IN (SELECT pair.* FROM {_PAIRS})
RETURNING kind_id, value, other_kind_id, other_value
"""
_FORGET = f"""
DELETE FROM identity_link WHERE by_hand AND message_key IS NULL
  AND (kind_id, value, other_kind_id, other_value) IN (SELECT pair.* FROM {_PAIRS})
RETURNING kind_id, value, other_kind_id, other_value
"""


def _write(plan: Plan, by: str, reason: str) -> dict[str, list[list[list[object]]]]:
    """Change the evidence; returns what was changed, as an act keeps it."""

    def run(query: str, pairs: Sequence[Pair], *before: object) -> list[list[list[object]]]:
        if not pairs:
            return []
        ends = (*columns([one for one, _ in pairs]), *columns([other for _, other in pairs]))
        rows = sql.rows(query, (*before, *ends))  # type: ignore[arg-type]
        return [[[a, b], [c, d]] for a, b, c, d in sorted(rows)]

    return {
        "cut": run(_CUT, plan.cut, timezone.now(), by, reason),
        "uncut": run(_UNCUT, plan.uncut),
        "joined": run(_JOIN, plan.joined, plans.UNSAID_FIRST, plans.UNSAID_LAST),
        "unjoined": run(_UNSAY, plan.unjoined) + run(_FORGET, plan.unjoined),
    }


_BROUGHT = """
SELECT loser_id, identifiers FROM profile_merge WHERE profile_id = ANY(%(ids)b::bigint[])
"""
_TURNED = """
SELECT profile_redirect.profile_id, route.home FROM profile_redirect
JOIN unnest(%b::bigint[], %b::bigint[]) AS route (id, home) ON route.id = profile_redirect.id
WHERE profile_redirect.profile_id <> route.home
"""
_REDIRECT = """
UPDATE profile_redirect SET profile_id = route.home FROM unnest(%b::bigint[], %b::bigint[]) AS route (id, home)
WHERE profile_redirect.id = route.id AND profile_redirect.profile_id <> route.home
"""


def _follow_redirects(ids: list[int], kinds: Kinds) -> None:
    """Addresses of people who became part of another lead to where the strongest that they brought leads now."""
    strongest = {}
    for loser, text in sql.rows(_BROUGHT, {"ids": int8s(ids)}):
        brought = [(kind, value) for kind, value in json.loads(text) if kinds[kind].role != "attach"]
        if brought:
            strongest[loser] = min(brought, key=lambda one: strength(one, kinds))
    if not strongest:
        return
    homes = plans.known_homes(strongest.values())
    routes = [
        (loser, home) for loser, one in strongest.items() if (home := homes.get(one)) is not None and home != loser
    ]
    if routes:
        losers, leads = int8s([loser for loser, _ in routes]), int8s([home for _, home in routes])
        # No events go this way: who is led to another doesn't bring what they did.
        turned = sql.rows(_TURNED, (losers, leads))
        sealing.unseal({one for route in turned for one in route})
        with sql.cursor() as cursor:
            cursor.execute(_REDIRECT, (losers, leads))
