"""How often each value of a trait was said of a person: kept only for traits that go by what is said most often.

A person is either counted exactly or not at all. While a policy is new (`Policies.counting`), whoever had said the trait
before is counted from the stored events when `profiles.recompute` comes to him; what is said of him until then waits in
the events. Whoever says it for the first time is counted from his first message on. (Where the same policy was given up
just before, and not everybody was passed yet, what it had counted of a person stands until he is counted anew.)
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from cdp_site import sql
from cdp_site.arrays import int8s, texts, times, uuids
from profiles import telling
from profiles.policies import Policies
from profiles.telling import Telling

_json = msgspec.json.Encoder()
_ordered = msgspec.json.Encoder(order="deterministic")
# Whole numbers above this aren't told apart by a double, which is what JSON's numbers are to most senders.
_EXACT = 2**53

# (profile, trait, source, value's key)
_Slot = tuple[int, str, int, bytes]

# Counts add up; of how a value was written, the latest word stands.
ADDED_UP = """ON CONFLICT (profile_id, name, source_id, value_key) DO UPDATE SET
    times = kept.times + excluded.times,
    value = CASE WHEN (excluded.time, excluded.message_key) > (kept.time, kept.message_key)
                 THEN excluded.value ELSE kept.value END,
    message_key = CASE WHEN (excluded.time, excluded.message_key) > (kept.time, kept.message_key)
                       THEN excluded.message_key ELSE kept.message_key END,
    time = greatest(kept.time, excluded.time)"""
_ADD = f"""
INSERT INTO trait_count AS kept (profile_id, name, source_id, value_key, value, times, time, message_key)
SELECT profile_id, name, source_id, value_key, value::jsonb, times, time, message_key
FROM unnest(%b::bigint[], %b::text[], %b::bigint[], %b::uuid[], %b::text[], %b::bigint[], %b::timestamptz[], %b::uuid[])
     AS said (profile_id, name, source_id, value_key, value, times, time, message_key)
{ADDED_UP}
"""
_UNCOUNTED = """
SELECT profile_id, name FROM unnest(%b::bigint[], %b::text[]) AS asked (profile_id, name)
WHERE EXISTS (SELECT FROM trait_value AS word WHERE word.profile_id = asked.profile_id AND word.name = asked.name)
  AND NOT EXISTS (SELECT FROM trait_count AS said WHERE said.profile_id = asked.profile_id AND said.name = asked.name)
"""
_FORGET = "DELETE FROM trait_count WHERE profile_id = ANY(%b::bigint[]) AND name = ANY(%b::text[])"


class Counted:
    """Tellings added up by value; of each the newest."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._slots: dict[_Slot, tuple[int, Any, datetime, bytes]] = {}

    def add(self, profile: int, message: Telling) -> None:
        for name in self._names & message.traits.keys():
            value = message.traits[name]
            slot = (profile, name, message.source_id, key_of(value))
            number, before, time, key = self._slots.get(slot, (0, None, message.time, b""))
            if (message.time, message.key) > (time, key):
                before, time, key = value, message.time, message.key
            self._slots[slot] = (number + 1, before, time, key)

    def pairs(self) -> set[tuple[int, str]]:
        """(profile, trait)"""
        return {(profile, name) for profile, name, _, _ in self._slots}

    def without(self, pairs: set[tuple[int, str]]) -> None:
        self._slots = {slot: said for slot, said in self._slots.items() if slot[:2] not in pairs}

    def times(self) -> dict[_Slot, int]:
        return {slot: said[0] for slot, said in self._slots.items()}

    def columns(self) -> tuple[Any, ...]:
        """As array parameters, in the order of the key, so that two who write wait for each other in one order only."""
        slots = sorted(self._slots)
        profiles, names, sources, keys = zip(*slots, strict=True) if slots else ((), (), (), ())
        said = [self._slots[slot] for slot in slots]
        return (
            int8s(profiles), texts(names), int8s(sources), uuids(keys), texts(_json.encode(one[1]).decode() for one in said),
            int8s([one[0] for one in said]), times([one[2] for one in said]), uuids([one[3] for one in said]),
        )  # fmt: skip

    def store(self) -> None:
        if self._slots:
            with sql.cursor() as cursor:
                cursor.execute(_ADD, self.columns())


def add(said: Iterable[tuple[int, Telling]], policies: Policies) -> set[int]:
    """Count what these messages say of the traits that ask for it, by (profile, message), each told for the first time.

    To be called before their words are kept (`traits.keep`): who has said nothing so far is known by that. Returns the
    profiles that were counted. Cost: nothing where no trait asks for it; else one statement, while a policy is new two.
    """
    if not policies.frequent:
        return set()
    counted = Counted(policies.frequent)
    for profile, message in said:
        counted.add(profile, message)
    waiting = sorted(pair for pair in counted.pairs() if pair[1] in policies.counting)
    if waiting:
        columns = int8s([profile for profile, _ in waiting]), texts(name for _, name in waiting)
        counted.without({(profile, name) for profile, name in sql.rows(_UNCOUNTED, columns)})
    counted.store()
    return {profile for profile, _ in counted.pairs()}


def recount(profiles: Sequence[int], names: Sequence[str]) -> None:
    """Count these traits of these profiles from the stored events. The profiles are locked by the caller.

    Cost: reads the events of these people that can say a trait (about 10 µs each), and writes a row a value said.
    """
    if not profiles or not names:
        return
    with sql.cursor() as cursor:
        cursor.execute(_FORGET, (int8s(profiles), texts(names)))
    counted(profiles, names).store()


def counted(profiles: Sequence[int], names: Collection[str]) -> Counted:
    """What the stored events of these profiles say of these traits, added up; nothing is written."""
    found = Counted(frozenset(names))
    for profile, message in telling.of(profiles, names):
        found.add(profile, message)
    return found


def key_of(value: Any) -> bytes:
    """16 bytes that are equal for equal values: 1 and 1.0, and objects in whatever order of their keys."""
    return blake2b(_ordered.encode(_plain(value)), digest_size=16).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT:
        try:
            return float(value)
        except OverflowError:
            return value
    if isinstance(value, float) and abs(value) <= _EXACT and value == int(value):
        return int(value)
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value
