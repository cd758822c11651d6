"""The stage that gives the whole of an audience to destinations that keep one, from time to time, after changes.

A snapshot is one statement's view of what is held, together with the last delivery that is in it: so it is known
exactly whether it is current, whatever is recorded while it is written.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import msgspec
import structlog
from django.db import connection, transaction
from django.utils import timezone
from psycopg import ServerCursor

from cdp_site import sql, stages
from connectors import changes
from connectors.destinations import UnknownKind, all_kinds, of_kind
from connectors.destinations.base import AudienceName, Capability, Destination, Member
from connectors.models import Audience
from connectors.models import Destination as StoredDestination

log = structlog.get_logger(__name__)

AT_A_TIME = 5_000
_numbers = count()


@dataclass(frozen=True)
class Behind:
    """An audience whose whole list isn't what is held now."""

    audience_id: int
    name: str
    destination_id: int
    snapshot_at: datetime | None

    @property
    def shown(self) -> AudienceName:
        return AudienceName(str(self.audience_id), self.name)


_BEHIND = """
SELECT audience.id, audience.name, audience.destination_id, audience.snapshot_at
FROM audience JOIN destination ON destination.id = audience.destination_id
WHERE audience.enabled AND destination.enabled AND destination.kind = ANY(%b) AND audience.compared_at IS NOT NULL
  AND (audience.snapshot_at IS NULL OR audience.snapshot_of IS DISTINCT FROM (
    SELECT max(delivery.id) FROM delivery WHERE delivery.audience_id = audience.id AND delivery.state = 'done'))
ORDER BY audience.snapshot_at NULLS FIRST
"""


@stages.stage("snapshot", counts="whole_lists", every=15.0)
def keep_some() -> int:
    """Write one whole list that is due; returns 1, or 0 when none is."""
    now = timezone.now()
    for one in behind():
        destination = load(one.destination_id)
        every = destination.snapshot_every() if destination else None
        if destination is None or every is None:
            continue
        is_due = one.snapshot_at is None or now - one.snapshot_at >= timedelta(seconds=every)
        if is_due and _keep(one, destination, now):
            return 1
    return 0


def behind() -> list[Behind]:
    return [Behind(*row) for row in sql.rows(_BEHIND, (kinds(),))]


def kinds() -> list[str]:
    return [kind for kind, found in all_kinds().items() if Capability.SNAPSHOT in found.capabilities]


def load(destination_id: int) -> Destination | None:
    stored = StoredDestination.objects.get(pk=destination_id)
    try:
        return of_kind(stored.kind)(stored.config)
    except UnknownKind:
        return None


def _keep(one: Behind, destination: Destination, now: datetime) -> bool:
    """On a failure the next try comes when the next list would: the deliveries go on meanwhile, `doctor` tells."""
    said: dict[str, Any] = {"snapshot_at": now}
    try:
        with held(one.audience_id, destination) as (latest, members):
            destination.keep(one.shown, members)
            said["snapshot_of"] = latest
    except (OSError, ValueError) as error:
        log.warning("snapshot_failed", audience_id=one.audience_id, reason=type(error).__name__)
    Audience.objects.filter(pk=one.audience_id).update(**said)
    return "snapshot_of" in said


_HELD = """
SELECT latest.id, member.profile_id, member.sent
FROM (SELECT max(id) AS id FROM delivery WHERE audience_id = %(audience)s AND state = 'done') AS latest
LEFT JOIN audience_member AS member ON member.audience_id = %(audience)s AND member.held
ORDER BY member.profile_id
"""


@contextmanager
def held(audience_id: int, destination: Destination) -> Iterator[tuple[int | None, Iterator[Member]]]:
    """The last delivery that is in it, and everybody who is held, in order of their ids; streamed."""
    connection.ensure_connection()
    with transaction.atomic(), connection.connection.cursor(name=f"held_{next(_numbers)}") as cursor:
        cursor.execute(_HELD, {"audience": audience_id})
        rows = cursor.fetchmany(AT_A_TIME)
        yield rows[0][0], _members(cursor, rows, destination)


def _members(
    cursor: ServerCursor[Any], rows: Sequence[tuple[int | None, int | None, str | None]], destination: Destination
) -> Iterator[Member]:
    while rows:
        people = {profile: msgspec.json.decode(sent or "{}") for _, profile, sent in rows if profile is not None}
        traits = changes.traits_of(list(people), destination.config)
        for profile, sent in people.items():
            yield Member(str(profile), sent, traits.get(profile, {}))
        rows = cursor.fetchmany(AT_A_TIME)
