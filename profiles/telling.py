"""What stored events say of people's traits, told again: as their messages said it when they came."""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from cdp_site import sql
from cdp_site.arrays import int8s, texts
from profiles import inbox
from profiles.extract import CARD_FIELDS, traits_of_event

# Read from the properties too, where a message names nobody (see `profiles.extract`).
_IN_PROPERTIES = {"email": ["email"], "phone": ["phone"], "loyalty_card": sorted(CARD_FIELDS)}
# Read this many at a time: one person may have any number of events.
_AT_ONCE = 5_000


class Telling(Protocol):
    """What says something of a person: a message that has just come, or a stored event that is read again."""

    @property
    def source_id(self) -> int: ...
    @property
    def time(self) -> datetime: ...
    @property
    def key(self) -> bytes: ...
    @property
    def traits(self) -> dict[str, Any]: ...


class Told(msgspec.Struct, frozen=True):
    """What an event said of a person."""

    source_id: int
    time: datetime
    key: bytes
    traits: dict[str, Any]


_SOURCES = "SELECT DISTINCT source_id FROM event WHERE profile_id = ANY(%b::bigint[])"
# Quicker, where the words that were kept of the traits are there.
_SOURCES_OF_TRAITS = """
SELECT DISTINCT source_id FROM trait_value WHERE profile_id = ANY(%b::bigint[]) AND name = ANY(%b::text[])
"""
# Most events say nothing of a trait: those that do have it at hand, in one of three places.
_EVENTS = """
SELECT event.profile_id, event_name.type, event.source_id, event.time, event.message_key,
       event.identifiers::text, event.properties::text, event.context::text
FROM event JOIN event_name ON event_name.id = event.name_id
WHERE event.profile_id = ANY(%b::bigint[])
  AND (event_name.type = 'identify' OR event.context ? 'traits' OR event.properties ?| %b::text[])
"""


def of(profiles: Sequence[int], names: Collection[str] | None = None) -> Iterator[tuple[int, Telling]]:
    """(profile, what an event said) for these people's events that say anything; of `names` alone, where given (and where
    the words that are kept of them haven't been forgotten).

    To be read to its end before the connection does anything else. Cost: one pass over these people's events, and about
    10 µs for each that says something; memory for some thousand of them.
    """
    people = int8s(profiles)
    sources = sql.rows(_SOURCES, (people,)) if names is None else sql.rows(_SOURCES_OF_TRAITS, (people, texts(names)))
    countries = inbox.countries_of({source for (source,) in sources})
    fields = [field for name, said in _IN_PROPERTIES.items() if names is None or name in names for field in said]
    with sql.cursor() as cursor:
        rows = cursor.stream(_EVENTS, (people, texts(fields)), size=_AT_ONCE)
        for profile, type, source, time, key, identifiers, properties, context in rows:
            found = traits_of_event(
                type, _object(properties), _object(context), _pairs(identifiers), countries.get(source, "")
            )
            if names is not None:
                found = {name: found[name] for name in names if name in found}
            if found:
                yield profile, Told(source, time, key.bytes, found)


def _object(text: str | None) -> dict[str, Any]:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def _pairs(text: str | None) -> list[tuple[int, str]]:
    return [(kind, value) for kind, value in json.loads(text or "[]")]
