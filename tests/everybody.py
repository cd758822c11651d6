"""All people as values, whatever their ids: to say that two histories made the same."""

from typing import Any

from cdp_site import sql
from profiles.identifiers import Identifier

_EVENTS = "SELECT profile_id, message_key::text, time FROM event ORDER BY message_key"
_RECORDS = """
SELECT profile_id, kind, external_id, status, title, value, currency, opened_at, closed_at, updated_at, properties
FROM record ORDER BY kind, external_id
"""
_TRAITS = "SELECT profile_id, name, source_id, value, time FROM trait_value ORDER BY name, source_id"
_MEMBERSHIPS = "SELECT profile_id, segment_id FROM membership ORDER BY segment_id"
_PROFILES = "SELECT id, first_seen, last_seen, identified, name, email, phone, traits FROM profile"


def everybody() -> dict[frozenset[Identifier], dict[str, Any]]:
    """Each person by their identifiers: events, records, traits, memberships, and what the profile says."""
    identifiers: dict[int, set[Identifier]] = {}
    for kind, value, profile in sql.rows("SELECT kind_id, value, profile_id FROM identifier WHERE profile_id > 0"):
        identifiers.setdefault(profile, set()).add((kind, value))
    found: dict[int, dict[str, Any]] = {id: {"profile": row} for id, *row in sql.rows(_PROFILES)}
    for what, query in (
        ("events", _EVENTS),
        ("records", _RECORDS),
        ("traits", _TRAITS),
        ("memberships", _MEMBERSHIPS),
    ):
        for profile, *row in sql.rows(query):
            found.setdefault(profile, {}).setdefault(what, []).append(row)
    assert identifiers.keys() == found.keys(), "nobody is without identifiers, and nothing without its person"
    return {frozenset(identifiers[profile]): what for profile, what in found.items()}


def people() -> set[frozenset[Identifier]]:
    """Who is one person by now: the identifiers that lead to each profile."""
    found: dict[int, set[Identifier]] = {}
    for kind, value, profile in sql.rows("SELECT kind_id, value, profile_id FROM identifier WHERE profile_id > 0"):
        found.setdefault(profile, set()).add((kind, value))
    return {frozenset(some) for some in found.values()}
