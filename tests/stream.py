"""Sending messages as tests do: straight into the inbox, then drained here and now."""

from typing import Any

import msgspec

from cdp_site import stages
from connectors.models import Source
from profiles import inbox, resolve
from profiles.models import Identifier, Profile


def send(source: Source, *messages: dict[str, Any]) -> int:
    """Put messages into the inbox (at a fixed time where they have none); returns the inbox id."""
    stamped = [{"timestamp": "2026-03-01T10:00:00Z", **message} for message in messages]
    return inbox.store_lines(source.id, [msgspec.json.encode(message) for message in stamped])


def resolve_all() -> int:
    """Drain the inbox alone; returns how many messages left it. (`stages.drain_all()` drains every stage.)"""
    done = 0
    while batch := stages.attempt(resolve.drain_some):
        done += batch
    return done


def person(kind: int, value: str) -> Profile:
    """The person that an identifier leads to."""
    return Profile.objects.get(id=Identifier.objects.get(kind_id=kind, value=value).profile_id)
