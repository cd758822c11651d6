"""Whatever history people have, what is decided by hand holds, is what was foreseen, and leaves nothing when taken back."""

import json
import os
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from cdp_site import sql
from connectors.models import Source
from profiles import component, foresee, hand, identity, plans
from profiles.identifiers import Identifier, Pair
from profiles.plans import Refused
from tests.everybody import everybody, people
from tests.property.test_identity import Message, arrive, messages, source, whole

# More for a soak: CASES=1000.
CASES = int(os.environ.get("CASES", "20"))

pytestmark = pytest.mark.django_db
histories = st.lists(messages(), min_size=3, max_size=14, unique_by=lambda one: one["messageId"])
_TOGETHER = """
SELECT link.kind_id, link.value, other_kind_id, other_value FROM identity_link AS link
JOIN identifier AS one ON (one.kind_id, one.value) = (link.kind_id, link.value)
JOIN identifier AS other ON (other.kind_id, other.value) = (other_kind_id, other_value)
WHERE one.profile_id = other.profile_id AND other_kind_id <> 8 ORDER BY 1, 2, 3, 4
"""


def links() -> list[Pair]:
    """Links within one person."""
    return [((a, b), (c, d)) for a, b, c, d in sql.rows(_TOGETHER)]


def brought_by(profile_id: int, merge_id: int) -> list[Identifier]:
    """What the loser of a merge brought, as far as it is the person's still."""
    (text,) = sql.rows("SELECT identifiers FROM profile_merge WHERE id = %s", (merge_id,))[0]
    some = [(kind, value) for kind, value in json.loads(text) if kind != 8]
    return [one for one, home in plans.known_homes(some).items() if home == profile_id]


def cut_apart() -> list[Pair]:
    rows = sql.rows("SELECT kind_id, value, other_kind_id, other_value FROM identity_cut")
    return [((a, b), (c, d)) for a, b, c, d in rows]


def by_the_book() -> set[frozenset[Identifier]]:
    """What all the evidence makes, judged at once, without those that lead to nobody yet."""
    found = component.load([(k, v) for k, v in sql.rows("SELECT kind_id, value FROM identifier WHERE kind_id <> 8")], (),
                           identity.load_kinds())  # fmt: skip
    homes = {one for one, home in found.homes.items() if home is not None}
    groups = component.judge(found, identity.load_kinds()).groups
    return {frozenset(some) for some in groups if not homes.isdisjoint(some)}


def bare(groups: set[frozenset[Identifier]]) -> set[frozenset[Identifier]]:
    """Without the numbers of records, which are nobody's where all that they came with is shared."""
    return {left for some in groups if (left := frozenset(one for one in some if one[0] != 8))}


def again(history: list[Message], draw: Any, word: str) -> list[list[Message]]:
    """The same messages under new ids, in another order and other batches."""
    shuffled = [one | {"messageId": f"{word} {one['messageId']}"} for one in draw.draw(st.permutations(history))]
    size = draw.draw(st.integers(1, len(history)))
    return [shuffled[start : start + size] for start in range(0, len(shuffled), size)]


@given(histories, st.data())
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_cut_stays_apart_and_everything_is_at_home(source: Source, history: list[Message], draw: Any) -> None:
    with transaction.atomic():
        arrive(source, ([one] for one in history))
        merges = sql.rows("SELECT profile_id, id FROM profile_merge WHERE profile_id IN (SELECT id FROM profile)")
        choices = merges if merges and draw.draw(st.booleans()) else links()
        assume(choices)
        chosen = draw.draw(st.sampled_from(choices))
        kinds = identity.load_kinds()
        of_link = isinstance(chosen[0], tuple)
        try:
            plan = plans.cut(*chosen, kinds) if of_link else plans.undo(*chosen, kinds)
        except Refused:
            assume(False)
        foreseen = foresee.foresee(plan, kinds)
        event("a link" if of_link else "a merge")
        brought = [] if of_link else brought_by(*chosen)
        done = (hand.cut if of_link else hand.undo)(*chosen, "ines", "apart")
        after = people()
        assert whole() == []
        assert bare(after) == by_the_book()
        homes = plans.homes_of(end for pair in cut_apart() for end in pair)
        assert all(homes[one] is None or homes[one] != homes[other] for one, other in cut_apart())
        homes = plans.homes_of([plan.one, *brought])
        assert all(homes[plan.one] is None or homes[one] != homes[plan.one] for one in brought), (
            "each has what they had"
        )
        events = dict(sql.rows("SELECT profile_id, count(*) FROM event GROUP BY 1"))
        for side in foreseen:
            home = plans.homes_of(side.identifiers[:1])[side.identifiers[0]]
            assert side.nobody == (home is None)
            assert side.events == events.get(home, 0)
            assert side.keeps in (None, home)
        arrive(source, again(history, draw, "again"))
        assert bare(people()) == bare(after)
        assert whole() == []
        hand.take_back(done.act_id, "ines", "no")
        taken_back = people()
        assert whole() == []
        transaction.set_rollback(True)
    with transaction.atomic():
        arrive(source, [history])
        assert bare(people()) == bare(taken_back)
        transaction.set_rollback(True)


def disputed() -> set[Identifier]:
    return {(kind, value) for kind, value in sql.rows("SELECT kind_id, value FROM identifier WHERE disputed")}


@given(histories, st.data())
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
def test_joined_by_hand_and_taken_back_is_never_joined(source: Source, history: list[Message], draw: Any) -> None:
    with transaction.atomic():
        arrive(source, [history])
        before = everybody()
        was_disputed = disputed()
        ids = sorted({id for (id,) in sql.rows("SELECT id FROM profile")})
        assume(len(ids) > 1)
        kinds = identity.load_kinds()
        two = draw.draw(st.permutations(ids))[:2]
        try:
            done = hand.join(*plans.people(*two, kinds), "ines", "one")
        except Refused:
            assume(False)
        assert done.one == done.other is not None
        assert whole() == []
        # What was disputed between the two is theirs now, and whom it led to is one with them; what their limits leave out
        # of it is somebody of its own.
        settled = was_disputed - disputed()
        assert len(everybody()) <= len(before) - 1 + len(settled)
        assert was_disputed or len(everybody()) == len(before) - 1
        more = draw.draw(st.booleans())
        if more:
            arrive(source, again(history, draw, "again"))
            assert whole() == []
        hand.take_back(done.act_id, "ines", "two")
        assert whole() == []
        assert people() == {*before}
        if not more:
            assert everybody() == before
        transaction.set_rollback(True)


__all__ = ["source"]
