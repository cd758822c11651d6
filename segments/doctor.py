"""What must hold of segments: membership equals a full evaluation, sizes add up, nobody who is gone is a member."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import numpy as np
from django.db import transaction
from django.utils import timezone

from cdp_site import sql
from cdp_site.checks import check
from segments import members
from segments.blocks import check as _blocks  # noqa: F401  (registers its check)
from segments.evaluate import evaluate
from segments.load import Chunk, Columns, load
from segments.members import Asked
from segments.require import require

_CHUNK = 20_000
_LAST = 2**63 - 1
# Holding the clock keeps live batches out for a chunk.
_CLOCK = "SELECT at FROM segment_clock WHERE id = 1 FOR UPDATE"
_PENDING = "SELECT DISTINCT profile_id FROM changed_profile"


@check("membership equals a full evaluation")
def membership_is_true() -> Iterator[str]:
    """Cost: one full evaluation of all live segments, which wait for a chunk at a time.

    People who are still in the queue may be behind, and segments that are being filled aren't judged. What time alone
    changed since the last live batch (seconds ago) may be in either state.
    """
    wrong: Counter[int] = Counter()
    after = 0
    while after < _LAST:
        with transaction.atomic():
            clock, wall = sql.rows(_CLOCK), timezone.now()
            followed = clock[0][0] if clock else wall
            everyone = members.lock(everyone=True)
            live = [asked for asked in everyone if asked.rule is not None and not asked.filling]
            needed = require(*(asked.rule for asked in live if asked.rule is not None))
            columns = load(needed, Chunk(after, _CHUNK), followed)
            until = int(columns.people[-1]) if len(columns.people) == _CHUNK else _LAST
            # Read last: whoever changed before the columns were loaded is in it.
            pending = sql.packed(_PENDING, (), [("profile_id", "i8")])["profile_id"]
            for asked in live:
                wrong[asked.id] += len(np.setdiff1d(_wrong(asked, columns, after, until, followed, wall), pending))
        after = until
    for asked in everyone:
        if asked.broken:
            yield (
                f"segment {asked.id}: its rule can't be read, or asks for a segment that isn't there, so nobody enters or"
                " leaves; save it anew"
            )
    for segment, number in sorted(wrong.items()):
        if number:
            yield f"segment {segment}: {number:,} people are members and shouldn't be, or should be and aren't"


def _wrong(asked: Asked, columns: Columns, after: int, until: int, followed: datetime, wall: datetime) -> np.ndarray:
    """People in (after, until] whose stored membership is neither what held when time was followed nor what holds now."""
    assert asked.rule is not None
    stored = members.stored_range(asked.id, after, until)
    then = evaluate(asked.rule, columns, followed).members
    now = evaluate(asked.rule, columns, wall).members
    return np.intersect1d(np.setxor1d(stored, then), np.setxor1d(stored, now))


@check("segments' sizes add up")
def sizes_add_up() -> Iterator[str]:
    for segment, size, counted, history, hourly in sql.rows(
        """
        SELECT segment.id, segment.size, coalesce(counted.size, 0), coalesce(history.size, 0),
               coalesce((SELECT size FROM segment_size WHERE segment_id = segment.id ORDER BY hour DESC LIMIT 1), 0)
        FROM segment
        LEFT JOIN (SELECT segment_id, count(*) AS size FROM membership GROUP BY segment_id) AS counted
          ON counted.segment_id = segment.id
        LEFT JOIN (SELECT segment_id, sum(CASE WHEN entered THEN 1 ELSE -1 END) AS size FROM membership_change
                   GROUP BY segment_id) AS history ON history.segment_id = segment.id
        ORDER BY segment.id
        """
    ):
        if not size == counted == history == hourly:
            yield (
                f"segment {segment}: its size says {size:,}, its members are {counted:,}, entries less exits {history:,},"
                f" the latest hour {hourly:,}"
            )


@check("members of segments are living people")
def members_live() -> Iterator[str]:
    number = sql.rows(
        """
        SELECT count(*) FROM membership AS one
        WHERE NOT EXISTS (SELECT FROM profile WHERE profile.id = one.profile_id)
          AND NOT EXISTS (SELECT FROM changed_profile WHERE changed_profile.profile_id = one.profile_id)
        """
    )[0][0]
    if number:
        yield f"{number:,} memberships are of people who aren't there, and nobody is about to take them out"
    number = sql.rows(
        """
        SELECT count(*) FROM membership LEFT JOIN segment ON segment.id = membership.segment_id
        WHERE segment.id IS NULL OR segment.status <> 'live' AND segment.filling_version IS NULL
        """
    )[0][0]
    if number:
        yield f"{number:,} memberships are of segments that aren't live"
