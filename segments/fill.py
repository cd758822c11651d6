"""The stage 'fill': everybody evaluated for one segment, in the background, a chunk of people a batch.

A fill walks all people in the order of their ids and remembers how far it is, so it goes on where it was stopped. Changes
meanwhile are followed by `segments.live` with the same rule; both hold the segment's row while they load, judge and write.

A new rule of a segment that has its members is evaluated beside the live one (`segments.coming`): nobody comes or goes
until everybody has been looked at, and then all do at once. What asks for that segment is evaluated anew after it.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from django.db import transaction
from django.utils import timezone

from cdp_site import sql, stages
from segments import coming, expand, members, ranking
from segments.evaluate import evaluate
from segments.load import Chunk, load
from segments.models import Segment
from segments.require import Requirements, require

# A live batch waits for a chunk at most: 20,000 people take a fraction of a second.
CHUNK = 20_000
_LAST = 2**63 - 1

# In the order of all who lock several.
_LOCK = "SELECT id FROM segment WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
_MARK = """
UPDATE segment SET fill_cursor = 0, fill_done = 0, fill_total = (SELECT count(*) FROM profile), filling_version = CASE
    WHEN coming IS NULL THEN version
    ELSE coalesce((SELECT max(number) FROM segment_version WHERE segment_id = segment.id), version) END
WHERE id = ANY(%s)
"""
_NEXT = "SELECT id FROM segment WHERE filling_version IS NOT NULL ORDER BY fill_done, id LIMIT 1"
# The clock that live batches have followed the time to may be another machine's, and a little ahead.
_CURSOR = "SELECT fill_cursor, coalesce((SELECT at FROM segment_clock), %s) FROM segment WHERE id = %s"
# What time alone changes is followed from the first fill on. Before any lock, in the order of the live batches.
_BEGIN = "INSERT INTO segment_clock (id, at, dates_of) VALUES (1, %s, '[]') ON CONFLICT DO NOTHING"
_STOP = "UPDATE segment SET filling_version = NULL, coming = NULL WHERE id = %s"
_GO_ON = "UPDATE segment SET fill_cursor = %s, fill_done = fill_done + %s WHERE id = %s"
_DONE = """
UPDATE segment SET filling_version = NULL, fill_done = fill_done + %s, filled_at = %s, fill_cursor = 0,
                   fill_total = greatest(fill_total, fill_done + %s)
WHERE id = %s
"""


def start(segment: Segment) -> None:
    """Have everybody evaluated for this segment, from the beginning; returns at once."""
    mark([segment.id])


def mark(ids: Sequence[int]) -> None:
    """Have everybody evaluated for these segments, from the beginning."""
    if ids:
        with transaction.atomic(), sql.cursor() as cursor:
            cursor.execute(_LOCK, (list(ids),))
            cursor.execute(_MARK, (list(ids),))
        stages.wake("fill")


@stages.stage("fill", counts="profiles_filled")
def fill_some() -> int:
    """One chunk of one segment; returns how many people were evaluated (at least 1 while there is a fill)."""
    return go_on()


def go_on(now: datetime | None = None) -> int:
    """One chunk as of `now` (tests give it; else the clock on the wall)."""
    waiting = sql.rows(_NEXT)
    if not waiting:
        return 0
    id: int = waiting[0][0]
    _see_to_ranking(id, now or timezone.now())
    with transaction.atomic():
        with sql.cursor() as cursor:
            cursor.execute(_BEGIN, (now or timezone.now(),))
        others = _asking_when_it_swaps(id)
        # The coming rule comes after the live one.
        asked = [one for one in members.lock(id, *others) if abs(one.id) == id]
        if not asked or not asked[-1].filling:
            return 1  # another runner ended it meanwhile: look again
        if asked[-1].broken:
            with sql.cursor() as cursor:
                cursor.execute(_STOP, (id,))
            return 1
        return max(1, _fill(asked[-1], others, now))


_COMING = "SELECT name FROM segment WHERE id = %s AND coming IS NOT NULL"
_IDS = "SELECT id FROM segment WHERE name = ANY(%s) AND status = 'live'"


def _asking_when_it_swaps(id: int) -> list[int]:
    """The live segments that ask for one whose new rule is being evaluated; no others come to ask meanwhile."""
    if not sql.rows(_COMING, (id,)):
        return []
    expand.hold_names()
    names = [expand.asking_for(name, expand.stored()) for (name,) in sql.rows(_COMING, (id,))]
    return [other for (other,) in sql.rows(_IDS, (names[0],))] if names and names[0] else []


def _see_to_ranking(id: int, now: datetime) -> None:
    """Before anything is locked: ranking everybody may take a while."""
    for asked in members.live():
        if abs(asked.id) == id and asked.rule is not None:
            ranking.see_to(asked.rule, now)


def _fill(segment: members.Asked, others: Sequence[int], now: datetime | None) -> int:
    wall, id = timezone.now(), abs(segment.id)
    after, followed = sql.rows(_CURSOR, (wall, id))[0]
    now = now or max(wall, followed)
    columns = load(require(segment.rule) if segment.rule else Requirements(), Chunk(after, CHUNK), now)
    last = len(columns.people) < CHUNK
    found = evaluate(segment.rule, columns, now).members if segment.rule else np.empty(0, np.int64)
    until = _LAST if last else int(columns.people[-1])
    if segment.id > 0:
        members.write_range(id, found, after, until, now)
    else:
        coming.keep_range(id, found, after, until)
    if last and segment.id < 0:
        members.swap(id, now)
        _evaluate_anew(others)
    with sql.cursor() as cursor:
        if last:
            cursor.execute(_DONE, (len(columns.people), now, len(columns.people), id))
        else:
            cursor.execute(_GO_ON, (until, len(columns.people), id))
    return len(columns.people)


# Their own rules stay: what they mean is another now.
_AS_IT_IS = """
UPDATE segment SET coming = rule WHERE id = ANY(%s) AND coming IS NULL AND filling_version IS NULL AND status = 'live'
"""


def _evaluate_anew(others: Sequence[int]) -> None:
    if others:
        with sql.cursor() as cursor:
            cursor.execute(_AS_IT_IS, (list(others),))
        mark(others)
