"""However people grow together and part, enrolments are what the messages of each say, and each person is counted once."""

import os
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from campaigns.experiments import enrol
from campaigns.experiments.doctor import enrolments_are_said, enrolments_have_arms
from campaigns.experiments.outcomes import of_event
from campaigns.experiments.tallies import count
from campaigns.models import Arm, Enrolment, Experiment
from cdp_site import sql, stages
from connectors.models import Source
from profiles import hand, inbox
from profiles.models import Merge
from profiles.plans import Refused
from tests.factories import SourceFactory

# More for a soak: CASES=1000.
CASES = int(os.environ.get("CASES", "15"))
START = datetime(2026, 3, 1, tzinfo=UTC)
hours = st.integers(0, 24 * 30)
users, devices = st.sampled_from(["u1", "u2", "u3"]), st.sampled_from(["d1", "d2", "d3"])
who = users.map(lambda one: {"userId": one}) | devices.map(lambda one: {"anonymousId": one})
both = st.tuples(users, devices).map(lambda pair: {"userId": pair[0], "anonymousId": pair[1]})
steps = st.lists(
    st.one_of(
        st.tuples(st.just("viewed"), who, hours, st.sampled_from("XY"), st.sampled_from("abc")),
        st.tuples(st.just("viewed"), who, hours, st.just("X"), st.sampled_from("ab")),
        st.tuples(st.just("bought"), who, hours),
        st.tuples(st.just("link"), both, hours),
        st.tuples(st.just("undo")),
        st.tuples(st.just("drain")),
        st.tuples(st.just("anew")),
    ),
    min_size=3, max_size=16,
)  # fmt: skip


def play(source: Source, number: int, step: tuple[Any, ...]) -> None:
    match step:
        case ("viewed", someone, hour, experiment, arm):
            properties = {"experiment_id": experiment, "variation_id": arm, "control": arm == "a"}
            say(
                source,
                number,
                hour,
                {"type": "track", "event": "Experiment Viewed", "properties": properties, **someone},
            )
        case ("bought", someone, hour):
            properties = {"order_id": f"o{number}", "total": number + 1, "currency": "EUR"}
            say(
                source, number, hour, {"type": "track", "event": "Order Completed", "properties": properties, **someone}
            )
        case ("link", someone, hour):
            say(source, number, hour, {"type": "page", **someone})
        case ("undo",):
            stages.drain_all()
            merge = Merge.objects.order_by("-id").first()
            if merge is not None:
                try:
                    hand.undo(merge.profile_id, merge.pk[1], "ines", "apart")
                except Refused:
                    pass
        case ("drain",):
            stages.drain_all()
        case ("anew",):
            enrol.mark()


def say(source: Source, number: int, hour: int, message: dict[str, Any]) -> None:
    moment = (START + timedelta(hours=hour)).isoformat()
    inbox.store_lines(source.pk, [msgspec.json.encode({**message, "timestamp": moment, "messageId": f"m{number}"})])


_EVENTS = """
SELECT event.profile_id, event.time, event_name.name, event.value, event.properties ->> 'experiment_id',
       event.properties ->> 'variation_id'
FROM event JOIN event_name ON event_name.id = event.name_id WHERE event_name.type = 'track'
"""


def meant() -> dict[tuple[int, str], dict[str, datetime]]:
    """By plain Python: (person, experiment) -> arm -> since."""
    found: dict[tuple[int, str], dict[str, datetime]] = defaultdict(dict)
    for profile, time, name, _, experiment, arm in sql.rows(_EVENTS):
        if name == "Experiment Viewed":
            arms = found[profile, experiment]
            arms[arm] = min(arms.get(arm, time), time)
    return found


def counted(days: int, experiment: str) -> dict[str, tuple[int, int, int]]:
    """By plain Python: arm -> people, how many of them bought in their days, for how much."""
    found: dict[str, tuple[int, int, int]] = {}
    events = sql.rows(_EVENTS)
    for (profile, key), arms in meant().items():
        if key == experiment and len(arms) == 1:
            arm, since = next(iter(arms.items()))
            values = [
                int(value)
                for owner, time, name, value, *_ in events
                if owner == profile and name == "Order Completed" and since <= time < since + timedelta(days=days)
            ]
            before = found.get(arm, (0, 0, 0))
            found[arm] = before[0] + 1, before[1] + bool(values), before[2] + sum(values)
    return found


class Enrolments(TestCase):
    @settings(max_examples=CASES)
    @given(steps)
    def test_are_what_messages_say(self, played: list[tuple[Any, ...]]) -> None:
        source = SourceFactory(name="Shop")
        for number, step in enumerate(played):
            play(source, number, step)
        stages.drain_all()

        arms = {arm.pk: (arm.experiment.key, arm.key) for arm in Arm.objects.select_related("experiment")}
        stored: dict[tuple[int, str], dict[str, datetime]] = defaultdict(dict)
        for one in Enrolment.objects.all():
            experiment, arm = arms[one.arm_id]
            stored[one.profile_id, experiment][arm] = one.since
        assert stored == meant()
        assert not [*enrolments_are_said(), *enrolments_have_arms()]
        for experiment in Experiment.objects.all():
            found = count(experiment, of_event("Order Completed"), START)
            tallies = {arms[arm][1]: (one.people, one.converted, int(one.total)) for arm, one in found.arms.items()}
            assert tallies == counted(experiment.days, experiment.key)
            assert found.several == sum(
                len(several) > 1 for (_, key), several in meant().items() if key == experiment.key
            )
