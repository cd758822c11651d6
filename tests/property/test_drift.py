"""Whatever happens in whatever order, live membership is what a full evaluation says: no drift."""

import os
from datetime import datetime, timedelta
from typing import Any as Anything

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cdp_site import sql
from profiles.models import Profile
from profiles.models.people import RECORDS
from segments import changes, fill, live, rerank
from segments.models import Membership, MembershipChange, Ranking, Segment
from segments.require import digest
from segments.rules import All, Any, InSegment, Known, Not, Rule, Top, expanded, key, nodes
from tests.segments import questions
from tests.segments.meaning import Person, holds
from tests.segments.world import (
    NOW,
    add_history,
    add_identifiers,
    add_records,
    changed,
    make_all_months,
    name_id,
)

# More for a soak: CASES=1000.
CASES = int(os.environ.get("CASES", "60"))
rules = questions.rules_of(questions.birthday_rules, questions.dated_rules, *questions.LEAVES.values())
FIRST = InSegment("Segment 0")
# Segments may ask for the first of them.
others = rules | rules.map(lambda rule: All((rule, FIRST))) | rules.map(lambda rule: Any((rule, Not(FIRST))))
asked = st.builds(lambda first, more: [first, *more], rules, st.lists(others, max_size=2))
hours = st.integers(-120, 48)
person = st.integers(0, 3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("event"), person, st.sampled_from(questions.EVENTS), hours, questions.documents),
        st.tuples(st.just("event"), person, st.sampled_from(questions.EVENTS), hours, questions.documents),
        st.tuples(st.just("traits"), person, questions.traits),
        st.tuples(st.just("record"), person, questions.things),
        st.tuples(st.just("close"), person, hours),
        st.tuples(st.just("identifier"), person, st.sampled_from(["email", "phone", "anonymous_id"])),
        st.tuples(st.just("merge"), person, person),
        st.tuples(st.just("time"), st.integers(1, 40).map(lambda number: timedelta(hours=number))),
        st.tuples(st.just("time"), st.integers(1, 10**11).map(lambda number: timedelta(microseconds=number))),
        st.tuples(st.just("follow")),
        st.tuples(st.just("fill")),
        st.tuples(st.just("rank")),
        st.tuples(st.just("rule"), rules),
        st.tuples(st.just("name"), st.sampled_from(["Anew", "Again"])),
    ),
    min_size=3, max_size=14,
)  # fmt: skip


class World:
    """People with all that is known of them, and the segments' stages beside them, on a clock of its own."""

    def __init__(self, asked: list[Rule]) -> None:
        self.now = NOW
        self.order = [Person(id=Profile.objects.create().id) for _ in range(4)]
        for one in self.order:
            changed(one.id)
        for name in questions.EVENTS:
            name_id(name)
        self.segments = [changes.create(f"Segment {number}", rule) for number, rule in enumerate(asked)]
        self.rules = dict(zip((one.id for one in self.segments), asked, strict=True))

    def play(self, step: tuple[Anything, ...]) -> None:
        match step:
            case ("event", number, name, hours, properties):
                one, event = self.order[number], (name, self.now + timedelta(hours=hours), properties)
                one.history.append(event)
                add_history({one.id: [event]}, arrived=self.now)
                changed(one.id, name_id(name))
            case ("traits", number, traits):
                self.order[number].traits = dict(traits)
                self.write(self.order[number])
            case ("record", number, thing):
                one = self.order[number]
                one.records.append(thing)
                add_records({one.id: [thing]})
                changed(one.id, RECORDS)
            case ("close", number, hours):
                one = self.order[number]
                for thing in one.records:
                    thing.closed_at = self.now + timedelta(hours=hours)
                    sql.rows(
                        "UPDATE record SET closed_at = %s WHERE profile_id = %s RETURNING 1", (thing.closed_at, one.id)
                    )
                changed(one.id, RECORDS)
            case ("identifier", number, kind):
                one = self.order[number]
                one.identifiers = one.identifiers | {kind}
                add_identifiers({one.id: [kind]})
                self.write(one)
            case ("merge", winner, loser):
                self.merge(self.order[winner], self.order[loser])
            case ("time", span):
                self.now += span
            case ("follow",):
                live.follow(self.now)
            case ("fill",):
                fill.go_on(self.now)
            case ("rank",):
                rerank.refresh(self.now)
            case ("rule", rule):
                changes.save_rule(self.segments[0], rule)
                self.rules[self.segments[0].id] = rule
            case ("name", name):
                changes.rename(self.segments[0], name)

    def write(self, one: Person) -> None:
        known = not holds(Known("anonymous"), one, NOW)
        Profile.objects.filter(id=one.id).update(traits=one.traits, identified=known)
        changed(one.id)

    def merge(self, winner: Person, loser: Person) -> None:
        if winner.id == loser.id:
            return
        for table in ("event", "record", "identifier"):
            sql.rows(f"UPDATE {table} SET profile_id = %s WHERE profile_id = %s RETURNING 1", (winner.id, loser.id))
        winner.history.extend(loser.history)
        winner.records.extend(loser.records)
        winner.identifiers = winner.identifiers | loser.identifiers
        Profile.objects.filter(id=loser.id).delete()
        self.order = [winner if one.id == loser.id else one for one in self.order]
        self.write(winner)
        changed(loser.id)

    def settle(self) -> None:
        while rerank.refresh(self.now) + fill.go_on(self.now) + live.follow(self.now):
            pass

    def check(self, at: datetime) -> None:
        first = self.rules[self.segments[0].id]
        kept = dict(Ranking.objects.values_list("key", "threshold"))
        for id, rule in self.rules.items():
            rule = expanded(rule, {FIRST.name: first})
            tops = [node for _, node in nodes(rule) if isinstance(node, Top)]
            thresholds = {top: kept[digest(key(top))] for top in tops}
            expected = {one.id for one in self.order if holds(rule, one, at, thresholds)}
            assert set(Membership.objects.filter(segment_id=id).values_list("profile_id", flat=True)) == expected
            flips = MembershipChange.objects.filter(segment_id=id).values_list("entered", flat=True)
            assert Segment.objects.get(id=id).size == sum(1 if entered else -1 for entered in flips) == len(expected)


class Drift(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_all_months()

    @settings(max_examples=CASES)
    @given(asked, steps, st.lists(st.integers(1, 50), max_size=3))
    def test_membership_is_what_a_full_evaluation_says(
        self, asked: list[Rule], steps: list[tuple[Anything, ...]], later: list[int]
    ) -> None:
        world = World(asked)
        for step in steps:
            world.play(step)
        world.settle()
        world.check(world.now)
        for hours in later:  # nothing more happens: time alone
            world.now += timedelta(hours=hours)
            world.settle()
            world.check(world.now)
