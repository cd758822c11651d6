"""Whatever happens in whatever order, live membership is what a full evaluation says: no drift."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cdp_site import sql
from profiles.models import Profile
from segments import changes, fill, live
from segments.models import Membership, MembershipChange, Segment
from segments.rules import All, Did, Not, Rule, Trait
from tests.segments.strategies import rules
from tests.segments.world import NOW, History, add_history, changed, holds, make_all_months, name_id

EVENTS = ("Order Completed", "did")
# Short windows, so that a walk of some days crosses their edges often.
close = st.builds(
    lambda event, compare, times, within: Did(event, compare, times or int(compare == "at_least"), (), within),
    st.sampled_from(EVENTS), st.sampled_from(["at_least", "at_most", "exactly"]), st.integers(0, 2),
    st.none() | st.integers(1, 96).map(lambda hours: hours * 3_600),
)  # fmt: skip
dated = st.integers(1, 5).map(lambda number: Trait("country", "in_last_days", number))
asked = st.lists(
    close | dated | rules | st.builds(lambda one, other: All((one, Not(other))), close, dated | close),
    min_size=1, max_size=3,
)  # fmt: skip
hours = st.integers(-120, 72)
person = st.integers(0, 3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("event"), person, st.sampled_from(EVENTS), hours, st.sampled_from(["shoes", "coats"])),
        st.tuples(st.just("trait"), person, hours),
        st.tuples(st.just("merge"), person, person),
        st.tuples(st.just("time"), st.integers(1, 40)),
        st.tuples(st.just("follow")),
        st.tuples(st.just("fill")),
        st.tuples(st.just("rule"), close | dated | rules),
    ),
    min_size=3, max_size=14,
)  # fmt: skip


class World:
    """People with their histories, and the segments' stages beside them, on a clock of its own."""

    def __init__(self, asked: list[Rule]) -> None:
        self.now = NOW
        self.people: dict[int, tuple[dict[str, Any], History]] = {}
        self.order = [Profile.objects.create().id for _ in range(4)]
        for profile in self.order:
            self.people[profile] = ({}, [])
            changed(profile)
        for name in EVENTS:
            name_id(name)
        self.segments = [changes.create(f"Segment {number}", rule) for number, rule in enumerate(asked)]
        self.rules = dict(zip((one.id for one in self.segments), asked, strict=True))

    def play(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("event", number, name, hours, category):
                event = (name, self.now + timedelta(hours=hours), {"category": category, "x": hours})
                profile = self.order[number]
                self.people[profile][1].append(event)
                add_history({profile: [event]}, arrived=self.now)
                changed(profile, name_id(name))
            case ("trait", number, hours):
                profile = self.order[number]
                self.people[profile][0]["country"] = (self.now + timedelta(hours=hours)).isoformat()
                Profile.objects.filter(id=profile).update(traits=self.people[profile][0])
                changed(profile)
            case ("merge", winner, loser):
                self.merge(self.order[winner], self.order[loser])
            case ("time", hours):
                self.now += timedelta(hours=hours)
            case ("follow",):
                live.follow(self.now)
            case ("fill",):
                fill.go_on(self.now)
            case ("rule", rule):
                changes.save_rule(self.segments[0], rule)
                self.rules[self.segments[0].id] = rule

    def merge(self, winner: int, loser: int) -> None:
        if winner == loser:
            return
        sql.rows("UPDATE event SET profile_id = %s WHERE profile_id = %s RETURNING 1", (winner, loser))
        self.people[winner][1].extend(self.people.pop(loser)[1])
        Profile.objects.filter(id=loser).delete()
        self.order = [winner if one == loser else one for one in self.order]
        changed(winner)
        changed(loser)

    def settle(self) -> None:
        while fill.go_on(self.now) + live.follow(self.now):
            pass

    def check(self, at: datetime) -> None:
        for id, rule in self.rules.items():
            expected = {
                profile for profile, (traits, history) in self.people.items() if holds(rule, traits, history, at)
            }
            assert set(Membership.objects.filter(segment_id=id).values_list("profile_id", flat=True)) == expected
            flips = MembershipChange.objects.filter(segment_id=id).values_list("entered", flat=True)
            assert Segment.objects.get(id=id).size == sum(1 if entered else -1 for entered in flips) == len(expected)


class Drift(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_all_months()

    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(asked, steps, st.lists(st.integers(1, 50), max_size=3))
    def test_membership_is_what_a_full_evaluation_says(
        self, asked: list[Rule], steps: list[tuple[Any, ...]], later: list[int]
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
