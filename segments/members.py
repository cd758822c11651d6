"""Writing who came and went: memberships, their history, the queue for activation, and sizes, in the caller's transaction.

Whoever writes holds the segments' rows (`lock`) since before it loaded what it judged by, so two writers of one segment
take turns, and the later one has seen at least as much.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import structlog

from cdp_site import sql, stages
from cdp_site.arrays import bools, int8s
from cdp_site.ids import new_ids
from segments import coming, expand
from segments.load import array
from segments.models import PEOPLE_THEMSELVES
from segments.rules import Cycle, Rule, RuleError, UnknownSegment, from_json, segments_in

log = structlog.get_logger(__name__)
stages.tally("membership_changes", 0)


@dataclass(frozen=True)
class Asked:
    """A segment whose rule is being asked. `rule` None: it isn't live, and nobody belongs to it.

    The rule has those of the segments that it asks for in their place. `broken`: it is live, but its rule can't be read,
    or asks for a segment that isn't there; its members stay as they are until somebody mends it. A rule that is to take
    the place of a segment's own goes by the segment's number below zero (`segments.coming`).
    """

    id: int
    rule: Rule | None
    filling: bool
    broken: bool = False


_LOCK = """
SELECT id, CASE WHEN status = 'live' THEN rule END, filling_version IS NOT NULL AND coming IS NULL,
       CASE WHEN status = 'live' THEN coming END
FROM segment WHERE id = ANY(%s) OR (%s AND status <> 'draft') ORDER BY id FOR NO KEY UPDATE
"""
_LIVE = """
SELECT id, rule, filling_version IS NOT NULL AND coming IS NULL, coming FROM segment WHERE status = 'live' ORDER BY id
"""
_STORED = """
SELECT profile_id, segment_id FROM membership
WHERE profile_id = ANY(%(people)s::bigint[])
  AND (segment_id = ANY(%(segments)s::bigint[]) OR profile_id = ANY(%(gone)s::bigint[]))
"""
_STORED_RANGE = """
SELECT profile_id FROM membership WHERE segment_id = %(segment)s AND profile_id > %(after)s AND profile_id <= %(until)s
"""
_ENTER = """
INSERT INTO membership (profile_id, segment_id, since)
SELECT profile_id, segment_id, %b::timestamptz FROM unnest(%b::bigint[], %b::bigint[]) AS came (profile_id, segment_id)
ON CONFLICT DO NOTHING RETURNING profile_id, segment_id
"""
_LEAVE = """
DELETE FROM membership USING unnest(%b::bigint[], %b::bigint[]) AS went (profile_id, segment_id)
WHERE membership.profile_id = went.profile_id AND membership.segment_id = went.segment_id
RETURNING membership.profile_id, membership.segment_id
"""
_HISTORY = """
INSERT INTO membership_change (profile_id, id, segment_id, entered, at)
SELECT profile_id, id, segment_id, entered, %b::timestamptz
FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::boolean[]) AS flip (profile_id, id, segment_id, entered)
"""
_QUEUE = """
INSERT INTO changed_membership (id, segment_id, profile_id, at)
SELECT id, segment_id, profile_id, %b::timestamptz
FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[]) AS flip (id, segment_id, profile_id)
"""
_SIZES = """
UPDATE segment SET size = size + moved.came - moved.went
FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[]) AS moved (id, came, went) WHERE segment.id = moved.id
RETURNING segment.id, size, moved.came, moved.went
"""
_HOUR = """
INSERT INTO segment_size AS hourly (segment_id, hour, size, entered, "left")
SELECT id, date_trunc('hour', %b::timestamptz), size, came, went
FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[]) AS moved (id, size, came, went)
ON CONFLICT (segment_id, hour) DO UPDATE
SET size = excluded.size, entered = hourly.entered + excluded.entered, "left" = hourly."left" + excluded."left"
"""


def lock(*ids: int, everyone: bool = False) -> list[Asked]:
    """Lock segments (all but drafts with `everyone`), in the order of their ids."""
    return _read_all(sql.rows(_LOCK, (list(ids), everyone)))


def live() -> list[Asked]:
    """The live segments as they are now, without a lock."""
    return _read_all(sql.rows(_LIVE))


def _read_all(rows: Sequence[tuple[Any, ...]]) -> list[Asked]:
    found = [_read(id, rule, filling) for id, rule, filling, _ in rows]
    found += [_read(-id, new, True) for id, _, _, new in rows if new is not None]
    if not any(asked.rule is not None and segments_in(asked.rule) for asked in found):
        return found
    # Read after the lock: whoever changes one of these rules later has these segments filled anew.
    segments = expand.stored()
    return [_whole(asked, segments) for asked in found]


_THEMSELVES = """
INSERT INTO changed_membership (id, segment_id, profile_id, at)
SELECT id, %b::bigint, profile_id, %b::timestamptz FROM unnest(%b::bigint[], %b::bigint[]) AS changed (id, profile_id)
WHERE EXISTS (SELECT 1 FROM membership WHERE membership.profile_id = changed.profile_id)
"""


def tell_of_people(people: np.ndarray, now: datetime) -> None:
    """Tell activation of members of any segment that their identifiers or traits may have changed."""
    if len(people):
        with sql.cursor() as cursor:
            columns = (int8s(new_ids(len(people))), int8s(people))
            cursor.execute(_THEMSELVES, (PEOPLE_THEMSELVES, now, *columns), prepare=True)
            if cursor.rowcount:
                stages.wake("sync")


def write_listed(judged: Mapping[int, np.ndarray], people: np.ndarray, gone: np.ndarray, now: datetime) -> int:
    """Make the memberships of these people (sorted) what was judged: `judged` has the members by segment.

    People who are gone leave every segment. Returns how many came and went.
    """
    coming.keep_listed({-id: found for id, found in judged.items() if id < 0}, people)
    judged = {id: found for id, found in judged.items() if id > 0}
    stored = sql.packed(
        _STORED,
        {"people": array(people), "segments": list(judged), "gone": array(gone)},
        [("profile_id", "i8"), ("segment_id", "i8")],
    )
    # A row for each segment, a column for each person.
    segments = np.array(sorted(judged), dtype=np.int64)
    inside, before = (np.zeros((len(segments), len(people)), bool) for _ in range(2))
    for row, segment in enumerate(segments.tolist()):
        inside[row, np.searchsorted(people, judged[segment])] = True
    asked = np.isin(stored["segment_id"], segments)
    rows = np.searchsorted(segments, stored["segment_id"][asked])
    before[rows, np.searchsorted(people, stored["profile_id"][asked])] = True
    others = stored[~asked]  # of those who are gone
    return _write(
        _pairs_of(inside & ~before, segments, people),
        np.concatenate([_pairs_of(before & ~inside, segments, people), others]),
        now,
    )


def _pairs_of(flips: np.ndarray, segments: np.ndarray, people: np.ndarray) -> np.ndarray:
    rows, places = np.nonzero(flips)
    return _pairs(people[places], segments[rows])


def write_range(segment: int, members: np.ndarray, after: int, until: int, now: datetime) -> int:
    """Make the memberships of everybody with after < id <= until what was judged."""
    before = stored_range(segment, after, until)
    return _write(_pairs(np.setdiff1d(members, before), segment), _pairs(np.setdiff1d(before, members), segment), now)


def swap(segment: int, now: datetime) -> int:
    """Make the coming rule's members the segment's, all at once. Returns how many came and went.

    Cost: some 30 µs a flip, for which live batches wait.
    """
    came, went = coming.difference(segment)
    flips = _write(_pairs(came, segment), _pairs(went, segment), now)
    coming.put_in_place(segment)
    return flips


def stored_range(segment: int, after: int, until: int) -> np.ndarray:
    """Ids of the stored members with after < id <= until."""
    bounds = {"segment": segment, "after": after, "until": until}
    return sql.packed(_STORED_RANGE, bounds, [("profile_id", "i8")])["profile_id"]


def _pairs(people: np.ndarray, segment: int | np.ndarray) -> np.ndarray:
    pairs = np.empty(len(people), dtype=[("profile_id", "i8"), ("segment_id", "i8")])
    pairs["profile_id"], pairs["segment_id"] = people, segment
    return pairs


def _write(came: np.ndarray, went: np.ndarray, now: datetime) -> int:
    """Write entries and exits; what counts as a flip is what the database really inserted and deleted."""
    flips: list[tuple[int, int, bool]] = []
    if len(came):
        came = np.sort(came)
        done = sql.rows(_ENTER, (now, int8s(came["profile_id"]), int8s(came["segment_id"])))
        flips += [(profile, segment, True) for profile, segment in done]
    if len(went):
        done = sql.rows(_LEAVE, (int8s(went["profile_id"]), int8s(went["segment_id"])))
        flips += [(profile, segment, False) for profile, segment in done]
    if not flips:
        return 0
    people, segments, entered = zip(*flips, strict=True)
    history, queue = new_ids(len(flips)), new_ids(len(flips))
    with sql.cursor() as cursor:
        cursor.execute(_HISTORY, (now, int8s(people), int8s(history), int8s(segments), bools(entered)))
        cursor.execute(_QUEUE, (now, int8s(queue), int8s(segments), int8s(people)))
    _write_sizes(np.array(segments), np.array(entered), now)
    stages.tally("membership_changes", len(flips))
    stages.wake("sync")
    return len(flips)


def _write_sizes(segments: np.ndarray, entered: np.ndarray, now: datetime) -> None:
    moved, place = np.unique(segments, return_inverse=True)
    came = np.bincount(place[entered], minlength=len(moved))
    went = np.bincount(place[~entered], minlength=len(moved))
    sizes: Sequence[tuple[int, ...]] = sql.rows(_SIZES, (int8s(moved), int8s(came), int8s(went)))
    if sizes:
        with sql.cursor() as cursor:
            cursor.execute(_HOUR, (now, *(int8s(column) for column in zip(*sizes, strict=True))))


def _whole(asked: Asked, segments: Mapping[str, Rule]) -> Asked:
    """With the rules of the segments that it asks for in their place."""
    try:
        return asked if asked.rule is None else replace(asked, rule=expand.whole(asked.rule, segments))
    except (Cycle, UnknownSegment):
        log.warning("segment_asks_for_what_is_not_there", segment_id=asked.id)
        return replace(asked, rule=None, broken=True)


def _read(id: int, rule: str | None, filling: bool) -> Asked:
    """One bad rule (edited past its form) mustn't stop the others."""
    if rule is None:
        return Asked(id, None, filling)
    try:
        return Asked(id, from_json(json.loads(rule)), filling)
    except RuleError as error:
        log.warning("segment_rule_unreadable", segment_id=id, path=error.path)
        return Asked(id, None, filling, broken=True)
