"""Of all that one page of the builder asks the newest is answered: what is still being answered for it before is stopped.

A question holds an advisory lock under its page and number for as long as its transaction lasts. Who comes with a higher
number has the server cut the statements of lower ones; who finds a higher one gives up. Both lock first and look then, so
at least one sees the other, whichever of several web processes they are in. A question that is computing and not asking at
that moment isn't reached: it goes on until its time is up.
"""

import hashlib
from dataclasses import dataclass

from cdp_site import asked, sql

_MOST = 2**31 - 1


@dataclass(frozen=True)
class Turn:
    """A question's place among those of its page."""

    page: int
    number: int


def of(account: object, page: str, number: str) -> Turn | None:
    """The turn that a page says it has; None where it says none. Nobody stops what somebody else's page asks."""
    whole = asked.whole(number)
    if not page or whole is None or not 0 < whole <= _MOST:
        return None
    digest = hashlib.blake2s(f"{account} {page}".encode(), digest_size=4).digest()
    return Turn(int.from_bytes(digest) & _MOST, whole)


_HOLD = "SELECT pg_advisory_xact_lock_shared(%s::int4, %s::int4)"
_STOP = """
SELECT number > %(number)s, CASE WHEN number < %(number)s THEN pg_cancel_backend(pid) END FROM (
    SELECT pid, objid::bigint AS number FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint = %(page)s
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    OFFSET 0
) AS asked
"""


def take(turn: Turn | None) -> None:
    """Stop what the page asked before. In a transaction (`sql.within`); raises `sql.OutOfTime` where it asked again since."""
    if turn is None:
        return
    sql.rows(_HOLD, (turn.page, turn.number))
    if any(newer for newer, _ in sql.rows(_STOP, {"page": turn.page, "number": turn.number})):
        raise sql.OutOfTime
