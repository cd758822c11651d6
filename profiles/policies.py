"""By which rule the words of several sources on a trait are decided: what is configured, read once a batch, changed here.

A drain holds the policies that it read until it has committed; a change waits for the drains under way and holds the next
one up for that moment. So after a change no batch goes by the old policies, and everybody whom an older batch wrote is
there for `profiles.recompute` to find.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

from django.db import transaction

from cdp_site import sql, stages
from cdp_site.arrays import Column, bools, int8s, texts
from profiles.models.traits import ALL_OTHERS, EVERYBODY, TraitPolicy

Rule = TraitPolicy.Rule
# How a source that an order doesn't name stands in it: behind all that it names.
UNNAMED = 1_000_000


class Refused(Exception):
    """A policy that can't be: the text says why, and what would do."""


class Policy:
    """How one trait is decided. `counting`: not everybody has been counted yet."""

    def __init__(self, rule: str = Rule.NEWEST, sources: Sequence[int] = (), *, counting: bool = False) -> None:
        self.rule, self.sources, self.counting = rule, tuple(sources), counting and rule == Rule.FREQUENT

    def rank(self, source_id: int) -> int:
        return self.sources.index(source_id) if source_id in self.sources else UNNAMED


class Policies:
    """The policies of all traits: `of` some by name, `others` of all that have none of their own."""

    def __init__(self, of: Mapping[str, Policy], others: Policy) -> None:
        self.of, self.others = of, others

    def __getitem__(self, name: str) -> Policy:
        return self.of.get(name, self.others)

    @cached_property
    def frequent(self) -> frozenset[str]:
        """The traits of which it is counted how often each value is said."""
        return frozenset(name for name, policy in self.of.items() if policy.rule == Rule.FREQUENT)

    @cached_property
    def counting(self) -> list[str]:
        """Those of them for which not everybody has been counted yet."""
        return sorted(name for name, policy in self.of.items() if policy.counting)

    @cached_property
    def only_newest(self) -> bool:
        """Whether every trait goes by its newest word, as where nothing was configured."""
        return all(policy.rule == Rule.NEWEST for policy in (self.others, *self.of.values()))

    @cached_property
    def columns(self) -> dict[str, Column | bool]:
        """As parameters of `profiles.winners`."""
        names = sorted(self.of)
        orders = [*((name, self.of[name]) for name in names), (ALL_OTHERS, self.others)]
        places = [
            (name, source, place)
            for name, policy in orders
            if policy.rule == Rule.FIRST
            for place, source in enumerate(policy.sources)
        ]
        return {
            "names": texts(names),
            "first": bools([self.of[name].rule == Rule.FIRST for name in names]),
            "frequent": bools([self.of[name].rule == Rule.FREQUENT for name in names]),
            "others_first": self.others.rule == Rule.FIRST,
            "place_names": texts(name for name, _, _ in places),
            "place_sources": int8s([source for _, source, _ in places]),
            "places": int8s([place for _, _, place in places]),
        }

    def changed(self, name: str, policy: Policy) -> "Policies":
        """The same with another policy for one trait."""
        if name == ALL_OTHERS:
            return Policies(self.of, policy)
        rest = {one: policy for one, policy in self.of.items() if one != name}
        return Policies(rest if policy.rule == Rule.AS_OTHERS else {**rest, name: policy}, self.others)


_HOLD = "SELECT pg_advisory_xact_lock_shared(hashtextextended('tributary trait policies', 0))"
_HOLD_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('tributary trait policies', 0))"
_ALL = "SELECT name, rule, sources, through FROM trait_policy"


def hold() -> Policies:
    """For whoever writes traits: the policies, which can't be changed before this transaction ends. Profiles are locked
    before it, never after."""
    sql.rows(_HOLD)
    return read()


def read() -> Policies:
    """The policies as they are now. One statement, a row for each trait that has one."""
    found = {
        name: Policy(rule, sources, counting=through < EVERYBODY)
        for name, rule, sources, through in sql.rows(_ALL)
        if rule != Rule.AS_OTHERS
    }
    return Policies({name: one for name, one in found.items() if name != ALL_OTHERS}, found.get(ALL_OTHERS, Policy()))


_CHANGE = """
INSERT INTO trait_policy (name, rule, sources, through) VALUES (%b, %b, %b::bigint[], 0)
ON CONFLICT (name) DO UPDATE SET rule = excluded.rule, sources = excluded.sources, through = 0
"""


def change(name: str, rule: str, sources: Sequence[int] = ()) -> bool:
    """Decide a trait by another rule from now on, and have everybody decided anew in the background.

    Returns whether that is anything new; `Refused` where the rule can't be. Waits for the batch that is being resolved.
    """
    refuse(name, rule, sources)
    sources = list(sources) if rule == Rule.FIRST else []

    def once() -> bool:
        with transaction.atomic():
            sql.rows(_HOLD_ALONE)
            before = read()
            now = before.of.get(name) if name != ALL_OTHERS else before.others
            if (now.rule, [*now.sources]) == (rule, sources) if now else rule == Rule.AS_OTHERS:
                return False
            with sql.cursor() as cursor:
                cursor.execute(_CHANGE, (name, str(rule), sources))
            stages.wake("traits")
        return True

    # A batch may hold the policies and wait for people whom another, that waits for the policies, has locked.
    return stages.attempt(once)


def refuse(name: str, rule: str, sources: Sequence[int]) -> None:
    """Raise `Refused` where a policy can't be."""
    if rule == Rule.FREQUENT and name == ALL_OTHERS:
        raise Refused(
            "What is said most often must be counted, which costs every message a little: choose it for one trait at a time."
        )
    if rule == Rule.FREQUENT and name.startswith("consent_"):
        raise Refused(
            f"{name} is a consent, and whoever takes one back says so once: go by the newest word, or by an order of sources."
        )
    if rule == Rule.AS_OTHERS and name == ALL_OTHERS:
        raise Refused("The traits without a policy of their own need a rule: choose the newest word, or an order.")
    if rule == Rule.FIRST and not sources:
        raise Refused("An order of sources needs at least one source: give one the place 1.")
    if len(set(sources)) < len(sources):
        raise Refused("A source stands twice in the order.")
