"""What makes copies of past events possible: up to which key the past is closed, and whose events have moved since.

Nothing reads an event's key as a promise unless it is closed: who stores events first holds the past open (`held_open`)
and gives them keys above what was closed before; who closes it (`close`) waits for all who hold it open. So once the
past is closed, every event with a key up to there that will ever be is there to be read, whatever clocks say and
however long a drain took. A merge moves a person whole, and the redirect says where to. What takes events from one
person to another in any other way (a parting) names all people concerned (`unseal`): copies don't speak for them.
"""

from collections.abc import Collection, Sequence

from django.db import OperationalError, transaction
from psycopg.errors import LockNotAvailable

from cdp_site import sql
from cdp_site.arrays import int8s

_HOLD = "SELECT pg_advisory_xact_lock_shared(hashtextextended('tributary events, the past', 0))"
_WAIT = "SELECT pg_advisory_xact_lock(hashtextextended('tributary events, the past', 0))"
_CLOSED = "SELECT closed_until FROM event_seal"
_CLOSE = """
INSERT INTO event_seal AS kept (id, closed_until) VALUES (1, %b)
ON CONFLICT (id) DO UPDATE SET closed_until = greatest(kept.closed_until, excluded.closed_until) RETURNING closed_until
"""


def held_open() -> int:
    """Keep the past from being closed until this transaction ends; returns the key above which new events belong."""
    with sql.cursor() as cursor:
        cursor.execute(_HOLD)
    # Asked after the lock: a statement hears nothing of what was committed while it waited.
    found = sql.rows(_CLOSED)
    return int(found[0][0]) if found else 0


def close(until: int, patience: int = 1_000) -> int | None:
    """Have no event stored any more with a key up to `until`; returns up to where it is closed.

    None when somebody stored events for longer than `patience` milliseconds: new drains wait meanwhile, so it gives up.
    """
    try:
        with transaction.atomic():
            with sql.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", (f"{patience}ms",))
                cursor.execute(_WAIT)
            return int(sql.rows(_CLOSE, (until,))[0][0])
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return None
        raise


_UNSEAL = """
INSERT INTO unsealed_profile (profile_id, noticed) SELECT DISTINCT profile_id, false FROM unnest(%b::bigint[]) AS one (profile_id)
ON CONFLICT (profile_id) DO UPDATE SET noticed = excluded.noticed
"""
_INHERIT = """
INSERT INTO unsealed_profile (profile_id, noticed)
SELECT DISTINCT route.winner, false FROM unnest(%b::bigint[], %b::bigint[]) AS route (loser, winner)
JOIN unsealed_profile ON unsealed_profile.profile_id = route.loser
ON CONFLICT (profile_id) DO UPDATE SET noticed = excluded.noticed
"""


def unseal(profiles: Collection[int]) -> None:
    """Events of these people have come from, or gone to, somebody else: copies made before don't speak for them."""
    if profiles:
        with sql.cursor() as cursor:
            cursor.execute(_UNSEAL, (int8s(sorted(profiles)),))


def inherit(losers: Sequence[int], winners: Sequence[int]) -> None:
    """Who becomes one with somebody for whom copies don't speak is such a person too."""
    with sql.cursor() as cursor:
        cursor.execute(_INHERIT, (int8s(losers), int8s(winners)))
