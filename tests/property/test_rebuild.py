"""After a rebuild under other rules, the people are those whom the same messages make in an empty database."""

import os
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from cdp_site import sql, stages
from connectors.models import Source
from profiles import identity, picture, preview, rebuild
from profiles.identifiers import ANONYMOUS, EMAIL, PHONE, USER
from profiles.kinds import out_of_date
from profiles.models import IdentifierKind, Profile, Rebuild
from tests.property.test_identity import RULES, Message, arrive, by_the_book, messages, people, source, whole

# More for a soak: CASES=1000.
CASES = int(os.environ.get("CASES", "30"))

__all__ = ["source"]

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]
histories = st.lists(messages(), min_size=2, max_size=14, unique_by=lambda one: one["messageId"])
Rules = dict[int, dict[str, Any]]


@st.composite
def judging(draw: st.DrawFn) -> Rules:
    """Other limits, another patience, another notion of shared: the links stay as they are."""
    return {
        kind: {
            "limit_per_profile": draw(st.integers(1, 4)), "shared_above": draw(st.integers(0, 4)),
            "yields_after": draw(st.sampled_from([0, 20, 60])),
        }
        for kind in draw(st.sets(st.sampled_from([USER, EMAIL, PHONE, ANONYMOUS]), min_size=1))
    }  # fmt: skip


@st.composite
def linking(draw: st.DrawFn) -> Rules:
    """Other priorities, values that are blocked, kinds that only suggest: the messages mean other links."""
    rules: Rules = {}
    if draw(st.booleans()):
        order = draw(st.permutations([USER, EMAIL, PHONE, ANONYMOUS]))
        rules = {kind: {"priority": 200 + place} for place, kind in enumerate(order)}
    for kind, value in draw(st.sets(st.sampled_from([(USER, "a"), (EMAIL, "b@example.com"), (ANONYMOUS, "c")]))):
        rules.setdefault(kind, {})["blocked"] = [value]
    if draw(st.integers(0, 3)) == 0:
        rules.setdefault(ANONYMOUS, {})["role"] = "suggest"
    if draw(st.integers(0, 3)) == 0:
        rules.setdefault(PHONE, {})["patterns"] = [r"\+3460011122[01]"]
    return rules


def follow(rules: Rules) -> None:
    for kind, fields in rules.items():
        IdentifierKind.objects.filter(id=kind).update(**fields)


def made_anew() -> Rebuild:
    asked = rebuild.ask("a test")
    while asked.under_way:
        stages.work_once("rebuild")
        asked.refresh_from_db()
    return asked


def evidence() -> set[tuple[Any, ...]]:
    """All links, without their verdicts."""
    return {*sql.rows("SELECT kind_id, value, other_kind_id, other_value, first, last, stated FROM identity_link")}


def stored_messages() -> int:
    return int(sql.rows("SELECT count(*) FROM event")[0][0])


def as_sent_anew(source: Source, history: list[Message], rules: Rules) -> tuple[Any, ...]:
    """Whom these messages make under these rules, and their links; how many of them could be stored."""
    with transaction.atomic():
        follow(rules)
        arrive(source, [history])
        found = people(), evidence(), stored_messages()
        assert people() == by_the_book()
        transaction.set_rollback(True)
    return found


ORIGINALLY: Rules = {
    kind: {
        "limit_per_profile": limit, "shared_above": shared, "yields_after": yields, "priority": 10 * kind, "role": "merge",
        "blocked": [], "patterns": [],
    }
    for kind, (limit, shared, yields) in RULES.items()
}  # fmt: skip


def said(number: str, day: str = "2026-01-01", email: str = "", phone: str = "", **more: Any) -> Message:
    traits = {name: value for name, value in (("email", email), ("phone", phone)) if value}
    return {
        "type": "track", "event": "Order Completed", "timestamp": f"{day}T00:00:00+00:00", "messageId": number,
        **more, "context": {"traits": traits},
    }  # fmt: skip


FIRST_ORDER = said(
    "m0", email="a@example.com", phone="+34600111220", properties={"order_id": "a", "total": 0}
)  # fmt: skip
# Of the order's people the first-judged one led to nobody before.
WOKEN: dict[str, Any] = {
    "history": [
        FIRST_ORDER, said("m1", userId="b"), said("m2", userId="c", email="a@example.com"),
        said("m3", anonymousId="a", userId="b", email="b@example.com", phone="+34600111220"),
        said("m4", "2026-04-08", "b@example.com", anonymousId="a", userId="a", properties={"order_id": "a", "total": 97}),
    ],
    "before": {
        EMAIL: {"priority": 200}, USER: {"priority": 201}, PHONE: {"priority": 202, "patterns": [r"\+3460011122[01]"]},
        ANONYMOUS: {"priority": 203, "role": "suggest"},
    },
    "rules": {USER: {"limit_per_profile": 1, "shared_above": 0, "yields_after": 0}}, "size": 1,
}  # fmt: skip
# Somebody's order goes to another, and nobody falls apart.
GIVEN_AWAY: dict[str, Any] = {
    "history": [
        FIRST_ORDER, said("m1", userId="b"), said("m2", userId="c", email="a@example.com"),
        said("m3", "2026-07-20", "a@example.com", userId="c"),
        said("m4", userId="a", email="a@example.com", phone="+34600111220"),
    ],
    "before": {}, "rules": {EMAIL: {"limit_per_profile": 1, "shared_above": 0, "yields_after": 20}}, "size": 2,
}  # fmt: skip


def same(number: str, day: str, user: str, before: str) -> Message:
    return {
        "type": "alias", "userId": user, "previousId": before, "timestamp": f"{day}T00:00:00+00:00", "messageId": number,
    }  # fmt: skip


# A message whose every identifier is blocked stays with somebody.
ALL_BLOCKED: dict[str, Any] = {
    "history": [
        said("m0", "2026-05-31", anonymousId="c", userId="a"), same("m1", "2026-06-29", "c", "z"),
        said("m2", "2026-03-08", "b@example.com", anonymousId="b", userId="c", properties={"order_id": "d", "total": 66}),
        same("m3", "2026-07-06", "c", "a"), said("m4", "2026-02-17", userId="d"),
    ],
    "before": {ANONYMOUS: {"limit_per_profile": 1, "shared_above": 1, "yields_after": 0}},
    "rules": {
        USER: {"priority": 200, "blocked": ["a"]}, PHONE: {"priority": 202}, EMAIL: {"priority": 203},
        ANONYMOUS: {"priority": 201, "blocked": ["c"], "role": "suggest"},
    },
    "size": 3,
}  # fmt: skip
# What an alias named that nobody has used is blocked later.
ALIAS_BLOCKED: dict[str, Any] = {
    "history": [said("m0", userId="c"), same("m1", "2026-01-01", "c", "a")],
    "before": {}, "rules": {USER: {"blocked": ["a"]}}, "size": 1,
}  # fmt: skip


@example(**ALL_BLOCKED)
@example(**ALIAS_BLOCKED)
@example(**WOKEN)
@example(**GIVEN_AWAY)
@given(
    history=histories, before=judging() | linking(),
    rules=judging() | linking() | st.builds(dict[int, dict[str, Any]]), size=st.integers(1, 14),
)  # fmt: skip
@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_rebuild_gives_what_sending_everything_anew_gives(
    source: Source, history: list[Message], before: Rules, rules: Rules, size: int
) -> None:
    follow(ORIGINALLY)
    expected, links, stored = as_sent_anew(source, history, rules)
    with transaction.atomic():
        follow(before)
        made_anew()
        arrive(source, [history[start : start + size] for start in range(0, len(history), size)])
        follow(ORIGINALLY)
        follow(rules)
        outlook = preview.look(identity.load_kinds())
        exact = not out_of_date(list(IdentifierKind.objects.all()))[1]
        asked = made_anew()
        assert whole() == []
        kinds = identity.load_kinds()
        assert not picture.differences(picture.take(kinds), kinds)
        if stored_messages() == stored:
            assert evidence() == links
            assert people() == expected
        if exact:
            assert (outlook.joined, outlook.parted) == (asked.joined, asked.parted)
            assert outlook.profiles_after == Profile.objects.count()
        event(f"joined {asked.joined > 0}, parted {asked.parted > 0}, exact {exact}")
        transaction.set_rollback(True)
