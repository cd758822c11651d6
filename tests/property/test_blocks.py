"""Whatever happens between sealings, blocks and the table say the same."""

import os
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from profiles.models import Profile
from segments.blocks import check, sealing
from tests.segments.sealed import START, both, happened, make_small, merged, parted, people
from tests.segments.world import name_id

# More for a soak: CASES=1000.
CASES = int(os.environ.get("CASES", "12"))

person = st.integers(0, 4)
moment = st.integers(-30, 90).map(lambda days: START + timedelta(days=days, microseconds=days % 3))
said = st.sampled_from(
    [
        {},
        {"category": "shoes", "total": 25},
        {"category": ["SHOES", "hats"], "total": "30.5"},
        {"category": None, "total": [1, 50]},
    ]
)
event = st.tuples(person, st.sampled_from(["Bought", "Seen"]), moment, said)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("events"), st.lists(event, min_size=1, max_size=6)),
        st.tuples(st.just("seal"), st.integers(1, 5)),
        st.tuples(st.just("merge"), person, person),
        st.tuples(st.just("part"), person, person, st.integers(1, 3)),
        st.tuples(st.just("born")),
        st.tuples(st.just("forget")),
        st.tuples(st.just("drop")),
        st.tuples(st.just("ask"), st.sampled_from([["category"], ["category", "total"]])),
    ),
    min_size=4, max_size=16,
)  # fmt: skip


class World:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.people = people(5)
        self.asked(["category", "total"])

    def asked(self, properties: list[str]) -> None:
        number = name_id("Bought")
        self.patch.setattr("segments.blocks.asked.properties", lambda: {number: properties})

    def play(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("events", events):
                happened(*((self.people[number], name, at, properties) for number, name, at, properties in events))
            case ("seal", batches):
                for _ in range(batches):
                    sealing.seal(timezone.now() + timedelta(seconds=1))
            case ("merge", winner, loser):
                if self.people[winner] != self.people[loser]:
                    gone = self.people[loser]
                    merged(self.people[winner], gone)
                    self.people = [self.people[winner] if one == gone else one for one in self.people]
            case ("part", whom, to, number):
                if self.people[whom] != self.people[to]:
                    parted(self.people[whom], self.people[to], number)
            case ("born",):
                self.people[-1:] = people(1)
            case ("forget",):
                Profile.objects.filter(id=self.people[0]).delete()
                self.people[0] = people(1)[0]
            case ("drop",):
                sealing.drop()
            case ("ask", properties):
                self.asked(properties)


class Blocks(TestCase):
    @settings(max_examples=CASES)
    @given(steps, st.sampled_from([2, 2**20]))
    def test_blocks_and_the_table_never_differ(self, steps: list[tuple[Any, ...]], chunk: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            make_small(patch)
            patch.setattr(sealing, "MOST_UNSEALED", 3)
            world = World(patch)
            for step in steps:
                world.play(step)
                both(chunk)
            assert list(check.blocks_are_true()) == []
