"""Whatever journeys there are and whatever is asked, the dashboards say what reckoning by hand says."""

import os
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.attribution import behind, blocks_check, cohorts, kept, load, numbers, paths, pictures
from campaigns.attribution.behind import Which
from campaigns.attribution.filters import Buyers, Filters
from campaigns.attribution.models import taking
from campaigns.attribution.values import Device, Touch
from campaigns.models import Goal, Journey
from segments.models import Membership, Segment
from tests.campaigns import plainly
from tests.campaigns.rows import DAY, NOON, ORIGINS, Row, Step, mark, pack_all, store, world
from tests.factories import SegmentFactory

MEMBERS = {1, 2, 4}
# More for a soak: CASES=1000.
CASES = int(os.environ.get("CASES", "10"))


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    found = []
    for number in range(draw(st.integers(1, 14))):
        ages = sorted(draw(st.lists(st.integers(0, 40 * DAY), max_size=5)), reverse=True)
        steps = tuple(
            Step(draw(st.integers(0, len(ORIGINS) - 1)), age, draw(st.sampled_from([*Touch, Touch.CLICK])))
            for age in ages
        )
        converted = draw(st.booleans())
        found.append(
            Row(
                draw(st.integers(1, 5)),
                NOON + timedelta(days=draw(st.integers(-45, 45)), hours=draw(st.integers(0, 23)), seconds=number),
                steps, converted, draw(st.integers(0, 100)) * Decimal("1.25") if converted else Decimal(0),
                draw(st.sampled_from([Decimal(0), Decimal("2.5")])), converted and draw(st.booleans()),
                draw(st.integers(0, 9)) == 0, draw(st.sampled_from(Device)),
            )
        )  # fmt: skip
    return found


@st.composite
def questions(draw: st.DrawFn) -> dict:
    since = NOON.date() + timedelta(days=draw(st.integers(-50, 30)))
    return {
        "since": since, "until": since + timedelta(days=draw(st.integers(0, 90))),
        "segment": draw(st.booleans()) or None, "buyers": draw(st.sampled_from(Buyers)),
        "devices": frozenset(draw(st.sets(st.sampled_from(Device), max_size=3))), "views": draw(st.booleans()),
    }  # fmt: skip


class Dashboards(TestCase):
    goal: Goal
    segment: Segment

    def setUp(self) -> None:
        super().setUp()
        kept.clear()

    def filters(self, asked: dict) -> Filters:
        segment = self.segment.pk if asked["segment"] else None
        return Filters(self.goal.pk, **{**asked, "segment": segment})

    def begin(self, them: list[Row]) -> None:
        self.goal = world()
        self.segment = SegmentFactory.create(size=len(MEMBERS))
        for one in MEMBERS:
            Membership.objects.create(profile_id=one, segment_id=self.segment.pk, since=NOON)
        store(self.goal, them)
        pack_all()

    @settings(max_examples=CASES)
    @given(rows(), st.lists(questions(), min_size=1, max_size=2))
    def test_tables_and_whoever_is_behind_them(self, them: list[Row], asked: list[dict]) -> None:
        self.begin(them)
        for one in asked:
            filters = self.filters(one)
            passing = plainly.passing(them, filters, MEMBERS)
            hold(filters, numbers.channel_table(filters), passing, plainly.channel)
            hold(filters, numbers.campaign_table(filters), passing, plainly.campaign)
            hold_paths(filters, passing)
        assert list(blocks_check.packed_days_are_true()) == []

    @settings(max_examples=2 * CASES)
    @given(rows(), questions())
    def test_cohorts(self, them: list[Row], asked: dict) -> None:
        self.begin(them)
        filters = self.filters(asked)
        today = timezone.localdate()
        told = plainly.cohorts(them, filters, MEMBERS, today)
        found = cohorts.cohorts(filters)
        assert {(one.id, one.month): one.people for one in found.months} == {
            key: one["people"] for key, one in told.items()
        }
        for one in found.months:
            plain = told[one.id, one.month]
            assert (one.buyers, one.orders) == (len(plain["buyers"]), plain["orders"])
            assert one.value == pytest.approx(float(plain["value"]) / one.people)
            assert one.month is not None
            for later, value in enumerate(one.values):
                over = plainly.month_of(one.month) + later < plainly.month_of(today)
                worth = sum(float(some) for since, some in plain["by"].items() if since <= later)
                assert value == (pytest.approx(worth / one.people) if over else None)
            who = behind.people(filters, Which(first=-1 if one.id is None else one.id, month=f"{one.month:%Y-%m}"))
            assert (who.total, who.conversions) == (one.people, one.orders)
        for whole in found.channels:
            assert whole.people == sum(one.people for one in found.months if one.id == whole.id)

    @settings(max_examples=CASES)
    @given(rows(), rows(), st.integers(0, 13), questions())
    def test_what_changes_later_is_told(self, before: list[Row], later: list[Row], gone: int, asked: dict) -> None:
        """What the process keeps never outlives what it was made of."""
        self.begin(before)
        filters = self.filters(asked)
        numbers.channel_table(filters), paths.paths(filters), cohorts.cohorts(filters)
        dropped = before[gone % len(before)]
        Journey.objects.filter(goal_id=self.goal.pk, time=dropped.at, profile_id=dropped.profile).delete()
        mark(self.goal, {dropped.day})
        # Journeys at one moment of one person would be told apart by nothing here.
        store(self.goal, them := [row for row in later if row.at not in {one.at for one in before}])
        pack_all()
        now = [row for row in before if (row.at, row.profile) != (dropped.at, dropped.profile)] + them
        passing = plainly.passing(now, filters, MEMBERS)
        hold(filters, numbers.channel_table(filters), passing, plainly.channel)
        hold_paths(filters, passing)


def hold(filters: Filters, table: numbers.Table, passing: list[Row], of: object) -> None:
    by_channel = of is plainly.channel
    assert table.adds_up()
    assert (table.journeys, table.conversions) == (len(passing), sum(row.converted for row in passing))
    assert table.value == pytest.approx(float(sum(row.value for row in passing)))
    assert table.back == pytest.approx(float(sum(row.back for row in passing)))
    assert table.new == sum(row.new and row.converted for row in passing)
    assert table.other_currency == sum(row.other_currency and row.converted for row in passing)
    plain = plainly.presence(passing, filters, of)
    told = {
        row.id: (row.journeys, row.conversions, round(Decimal(row.value), 2), row.alone, row.view_through)
        for row in table.rows
    }
    assert told == plain
    bare = [row for row in passing if not plainly.counting(row, filters)]
    assert (table.none.journeys, table.none.conversions) == (len(bare), sum(row.converted for row in bare))
    for key, shares in plainly.shares(passing, filters, of).items():
        for row in (*table.rows, table.none):
            conversions, value = shares.get(row.id, (0.0, 0.0))
            assert (row.credit[key].conversions, row.credit[key].value) == pytest.approx((conversions, value)), (
                key,
                row.name,
            )
    _as_of_the_journeys_themselves(filters, table, by_channel)
    lasts = plainly.last_non_direct(passing, filters, of)
    assert {
        row.id: row.credit["last_non_direct"].conversions
        for row in table.rows
        if row.credit["last_non_direct"].conversions
    } == lasts
    effects = plainly.without(passing, filters, of)
    for row in table.rows:
        assert row.without == pytest.approx(effects.get(row.id, 0.0), abs=1e-9)
        assert sum(row.line) == row.conversions
        _behind(filters, row, by_channel, passing, of)
    assert sum(table.none.line) == table.none.conversions
    assert sum(table.line) == table.conversions and sum(table.value_line) == pytest.approx(table.value)
    untouched = behind.people(filters, Which(untouched=True))
    assert (untouched.journeys, untouched.conversions) == (table.none.conversions, table.none.conversions)
    everybody = behind.people(filters, Which())
    assert (everybody.journeys, everybody.total) == (len(passing), len({row.profile for row in passing}))
    assert behind.people(filters, Which(new=True)).journeys == table.new


def _as_of_the_journeys_themselves(filters: Filters, table: numbers.Table, by_channel: bool) -> None:
    """Added up over days, every model says what it says of all journeys at once."""
    question = load.ask(filters)
    journeys = question.counted(question.whole())
    names = question.directory.channels if by_channel else (*question.directory.campaigns, numbers.NO_CAMPAIGN)
    axis = journeys.channel if by_channel else np.where(journeys.campaign < 0, len(names) - 1, journeys.campaign)
    used = max(len(np.unique(axis)), 1)
    whole = {model.key: model.compute(journeys, axis, len(names)) for model in taking(used)}
    assert [key for key, _ in table.models] == [key for key in whole if by_channel or key in numbers.OF_CAMPAIGNS]
    for key, _ in table.models:
        for row in table.rows:
            place = next(place for place, one in enumerate(names) if one.id == row.id)
            assert row.credit[key].conversions == pytest.approx(whole[key].conversions[place], abs=1e-9), key
            assert row.credit[key].value == pytest.approx(whole[key].value[place], abs=1e-9), key
        assert table.none.credit[key].conversions == pytest.approx(whole[key].none_conversions, abs=1e-9)


def _behind(filters: Filters, row: numbers.Row, by_channel: bool, passing: list[Row], of: object) -> None:
    """Every number opens as many journeys as it says, and the people are who they should be."""
    place = {"channel": row.id} if by_channel else {"campaign": row.id}
    found = behind.people(filters, Which(**place))
    assert (found.journeys, found.conversions) == (row.journeys, row.conversions)
    who = {one.profile for one in passing if row.id in {of(step) for step in plainly.counting(one, filters)}}  # type: ignore[operator]
    assert {one.id for one in found.people} == who == set(behind.profile_ids(filters, Which(**place)))
    assert behind.people(filters, Which(**place, converted=True)).journeys == row.conversions
    assert behind.people(filters, Which(**place, alone=True)).journeys == row.alone
    assert behind.people(filters, Which(**place, view_through=True)).journeys == row.view_through
    for model in ("first", "last", "last_non_direct"):
        assert behind.people(filters, Which(**place, model=model)).journeys == row.credit[model].conversions
    assert behind.people(filters, Which(**place, model="linear")).journeys == row.conversions


def hold_paths(filters: Filters, passing: list[Row]) -> None:
    found = paths.paths(filters, most=100)
    touched = [row for row in passing if plainly.counting(row, filters)]
    every = Counter(plainly.told_once(row, filters) for row in touched)
    ending = Counter(plainly.told_once(row, filters) for row in touched if row.converted)
    assert {path.steps: path.journeys for path in found.top} == every
    assert {path.steps: path.conversions for path in found.top if path.conversions} == ending
    assert found.distinct == len(every)
    assert [path.conversions for path in found.top] == sorted((path.conversions for path in found.top), reverse=True)
    assert found.untouched == sum(row.converted for row in passing) - sum(ending.values())
    lengths = [len(plainly.counting(row, filters)) for row in touched]
    for bar in found.lengths:
        assert bar.journeys == sum(bar.low <= length <= (bar.high or 10**9) for length in lengths)
        assert behind.people(filters, Which(touches=(bar.low, bar.high))).journeys == bar.journeys
    for bar in found.delays:
        assert behind.people(filters, Which(days=(bar.low, bar.high))).journeys == bar.conversions
    assert sum(bar.conversions for bar in found.delays) == sum(ending.values())
    for path in found.top[:3]:
        who = behind.people(filters, Which(path=path.steps))
        assert (who.journeys, who.conversions) == (path.journeys, path.conversions)
        spans = [
            plainly.counting(row, filters)[0].age / DAY
            for row in touched
            if row.converted and plainly.told_once(row, filters) == path.steps
        ]
        assert path.days == (pytest.approx(sum(spans) / len(spans)) if spans else None)
    flow = found.flow
    for stop in flow.stops[-4:]:
        assert behind.people(filters, pictures.through((stop.step, stop.id))).journeys == stop.journeys
    for link in flow.links[:2] + flow.links[-3:]:
        ways = (flow.stops[place] for place in (link.source, link.target))
        who = behind.people(filters, pictures.between(*((stop.step, stop.id) for stop in ways)))
        assert (who.journeys, who.conversions) == (link.journeys, link.conversions)
    into, out = Counter[int](), Counter[int]()
    for link in flow.links:
        out[link.source] += link.journeys
        into[link.target] += link.journeys
    ends = {place for place, stop in enumerate(flow.stops) if stop.id in (paths.CONVERTED, paths.LOST)}
    assert sum(into[place] for place in ends) == len(touched)
    for place, stop in enumerate(flow.stops):
        assert stop.journeys == (into[place] if place in ends else out[place])
        if stop.step and place not in ends:
            assert into[place] == out[place]


def test_a_bucket_of_the_line_opens_its_conversions(db: None) -> None:
    kept.clear()
    goal = world()
    store(goal, [Row(number, NOON + timedelta(days=number), (Step(1),)) for number in range(40)])
    pack_all()
    for days in (20, 100, 500):
        filters = Filters(goal.pk, date(2026, 6, 10), date(2026, 6, 10) + timedelta(days=days))
        table = numbers.channel_table(filters)
        for start, conversions in zip(table.starts, table.line, strict=True):
            assert behind.people(filters, Which(bucket=f"{start}", converted=True)).journeys == conversions
    assert load.ask(filters).waiting == 0
