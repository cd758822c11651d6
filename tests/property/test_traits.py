"""Whichever word holds is a function of what was said and of the policy: told in any order, merged, parted, counted late."""

import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdp_site import sql
from connectors.models import Source
from profiles import policies, recompute
from profiles.doctor import counts_are_right, traits_are_decided
from profiles.identifiers import ANONYMOUS, EMAIL, USER
from profiles.models import IdentifierKind, Profile
from profiles.models.traits import ALL_OTHERS
from profiles.policies import Policy, Rule
from tests.factories import SourceFactory
from tests.stream import resolve_all, send

# More for a soak: CASES=1000.
CASES = int(os.environ.get("CASES", "60"))

pytestmark = pytest.mark.django_db
START = datetime(2026, 1, 1, tzinfo=UTC)
TRAITS = ("city", "plan", "email")
VALUES = ["Cadiz", "Vigo", "cadiz", 1, 1.0, True, None, None, ["a", 1], {"a": 1, "b": 2}, {"b": 2.0, "a": 1}, ""]
_EVENTS = "SELECT profile_id, source_id, message_id, message_key, time::text FROM event"
# (source's number, message)
Sent = tuple[int, dict[str, Any]]
# (time, message key, source's number, value)
Word = tuple[str, str, int, Any]


@st.composite
def messages(draw: st.DrawFn) -> Sent:
    """What a source might say of somebody, by a user id, a browser or both; of few moments, so that many are equal."""
    about: dict[str, Any] = {"messageId": f"m{draw(st.integers(0, 10**9))}"}
    about["timestamp"] = (START + timedelta(days=draw(st.integers(0, 4)))).isoformat()
    if draw(st.booleans()):
        about["userId"] = draw(st.sampled_from("abc"))
    if "userId" not in about or draw(st.booleans()):
        about["anonymousId"] = draw(st.sampled_from("xyz"))
    traits = {name: draw(st.sampled_from(VALUES)) for name in draw(st.sets(st.sampled_from(TRAITS[:2])))}
    if draw(st.integers(0, 3)) == 0:
        traits["email"] = draw(st.sampled_from(["one@example.com", "two@example.com"]))
    source = draw(st.integers(0, 2))
    if draw(st.booleans()):
        return source, {"type": "identify", "traits": traits, **about}
    said = {"type": "track", "event": "Paid", "context": {"traits": traits}, **about}
    if "userId" not in about and draw(st.integers(0, 3)) == 0:
        said["properties"] = {"email": "Two@Example.com"}
    return source, said


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, str, list[int]]:
    """A trait, a rule for it, and an order of sources."""
    name = draw(st.sampled_from([*TRAITS, ALL_OTHERS]))
    rules = [Rule.NEWEST, Rule.FIRST] if name == ALL_OTHERS else [*Rule, Rule.FREQUENT, Rule.FREQUENT]
    order = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True))
    return name, draw(st.sampled_from(rules)), order


sends = st.lists(messages(), min_size=1, max_size=5).map(lambda sent: ("send", sent))
walks = st.integers(1, 2).map(lambda chunks: ("recompute", chunks))
some = st.lists(sends | changes().map(lambda change: ("change", change)) | walks, min_size=2, max_size=10)
# A walk that has passed some people and not others, when they merge and part.
half_way = st.tuples(sends, sends, st.just(("change", ("city", Rule.FREQUENT, [0]))), st.just(("recompute", 1)), sends)
steps = some | st.builds(lambda first, then: [*first, *then], half_way, some)


@pytest.fixture
def sources() -> list[Source]:
    for kind, (limit, shared) in {USER: (1, 3), EMAIL: (2, 2), ANONYMOUS: (1000, 1)}.items():
        IdentifierKind.objects.filter(id=kind).update(limit_per_profile=limit, shared_above=shared)
    return [SourceFactory() for _ in range(3)]


def plainly(words: Sequence[Word], policy: Policy) -> Any:
    """Which value holds, by the book; None where none does."""
    latest: dict[int, Word] = {}
    for word in sorted(words, key=lambda word: word[:2]):
        latest[word[2]] = word
    if policy.rule == Rule.NEWEST:
        return max(latest.values(), key=lambda word: word[:2])[3]
    if policy.rule == Rule.FIRST:
        speak = [word for word in latest.values() if word[3] is not None]
        first = min((policy.rank(word[2]) for word in speak), default=0)
        chosen = [word for word in speak if policy.rank(word[2]) == first]
        return max(chosen, default=(None,), key=lambda word: word[:2])[-1]
    heard = [word for word in words if word[3] is not None and latest[word[2]][3] is not None]
    alike: dict[str, list[Word]] = {}
    for word in heard:
        alike.setdefault(json.dumps(word[3], sort_keys=True).replace(".0", ""), []).append(word)
    together = [(len(some), *max(some, key=lambda word: word[:2])) for some in alike.values()]
    return max(together, default=(None,), key=lambda one: one[:3])[-1]


def expected(sent: Iterable[Sent], rules: policies.Policies) -> dict[int, dict[str, Any]]:
    """The traits of everybody, by whose events the messages are."""
    whose = {
        (source, id): (profile, str(key), at)
        for profile, source, id, key, at in sql.rows(
            "SELECT profile_id, source_id, message_id, message_key, time::text FROM event"
        )
    }
    told: dict[int, dict[str, list[Word]]] = {profile: {} for (profile,) in sql.rows("SELECT id FROM profile")}
    for source, message in sent:
        profile, key, at = whose[source, message["messageId"]]
        traits = message.get("traits") or message.get("context", {}).get("traits") or {}
        if "properties" in message:
            traits = {**traits, "email": "two@example.com"}
        for name, value in traits.items():
            told[profile].setdefault(name, []).append((at, key, source, value))
    found = {
        profile: {name: plainly(words, rules[name]) for name, words in by_name.items()}
        for profile, by_name in told.items()
    }
    return {
        profile: {name: value for name, value in traits.items() if value is not None}
        for profile, traits in found.items()
    }


def finish() -> None:
    while recompute.decide_some():
        pass


@given(steps, st.data())
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_word_that_holds_is_the_one_that_the_policy_names_whatever_happened_in_between(
    sources: list[Source], monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, Any]], draw: Any
) -> None:
    monkeypatch.setattr(recompute, "CHUNK", 1)
    monkeypatch.setattr(recompute, "COUNTED_CHUNK", 1)
    sent: dict[tuple[int, str], Sent] = {}
    with transaction.atomic():
        for act, what in steps:
            if act == "send":
                fresh = [one for one in what if (one[0], one[1]["messageId"]) not in sent]
                again = (
                    draw.draw(st.lists(st.sampled_from([*sent.values(), *fresh]), max_size=2)) if sent or fresh else []
                )
                for source, message in [*fresh, *again]:
                    known = sent.setdefault((source, message["messageId"]), (source, message))
                    send(sources[source], known[1])
                resolve_all()
            elif act == "change":
                name, rule, order = what
                policies.change(name, rule, [sources[one].pk for one in order])
            else:
                for _ in range(what):
                    recompute.decide_some()
            assert [*traits_are_decided()] == []
        finish()
        assert [*traits_are_decided(), *counts_are_right()] == []
        messages = [(sources[source].pk, message) for source, message in sent.values()]
        assert dict(Profile.objects.values_list("id", "traits")) == expected(messages, policies.read())
        transaction.set_rollback(True)
