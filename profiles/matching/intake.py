"""What the engine found becomes suggestions: set-based, in one transaction, with what was decided before kept."""

from pathlib import Path

from django.db import transaction
from django.utils import timezone

from cdp_site import sql
from cdp_site.arrays import int8s
from profiles.component import columns
from profiles.gather import LOOK_UP
from profiles.models import MatchRun

_BLOCK = 1 << 16

_MAKE = """
CREATE TEMPORARY TABLE found (
    profile_id bigint, other_id bigint, probability float8, weight float8, sure boolean, evidence jsonb
) ON COMMIT DROP
"""
_COPY = "COPY found FROM STDIN (FORMAT csv, HEADER)"
# Who merged or was erased while the engine was at work.
_GONE = """
DELETE FROM found WHERE profile_id NOT IN (SELECT id FROM profile) OR other_id NOT IN (SELECT id FROM profile)
"""
_CUT = """
DELETE FROM found USING unnest(%b::bigint[], %b::bigint[]) AS apart (one, other)
WHERE found.profile_id = apart.one AND found.other_id = apart.other
"""
# Whoever is found again is two people without a cut, so a decision of before doesn't hold any more; later stays later.
_KEEP = """
INSERT INTO match_suggestion AS kept (profile_id, other_id, probability, weight, sure, refused, evidence, state, found_at,
                                      decided_by)
SELECT profile_id, other_id, probability, weight, sure, false, evidence, 'open', %b::timestamptz, '' FROM found
ON CONFLICT (profile_id, other_id) DO UPDATE SET
    probability = excluded.probability, weight = excluded.weight, sure = excluded.sure, refused = false,
    evidence = excluded.evidence, found_at = excluded.found_at,
    state = CASE WHEN kept.state = 'later' THEN 'later' ELSE 'open' END, decided_at = NULL, decided_by = '', decision = NULL
"""
_NOT_FOUND_AGAIN = """
DELETE FROM match_suggestion AS kept WHERE state IN ('open', 'later') AND found_at < %b::timestamptz
"""
_COUNT = "SELECT count(*) FROM match_suggestion WHERE state IN ('open', 'later')"


def take_in(run: MatchRun, found: Path) -> int:
    """Replace what waits by what was found; returns how many pairs wait now. Cost: a few passes over them."""
    now = timezone.now()
    with transaction.atomic():
        with sql.cursor() as cursor:
            cursor.execute(_MAKE)
            with cursor.copy(_COPY) as copy, found.open("rb") as file:
                while block := file.read(_BLOCK):
                    copy.write(block)
            cursor.execute(_GONE)
            if apart := cut_pairs():
                one, other = zip(*sorted(apart), strict=True)
                cursor.execute(_CUT, (int8s(one), int8s(other)))
            cursor.execute(_KEEP, (now,))
            cursor.execute(_NOT_FOUND_AGAIN, (now,))
        number = int(sql.rows(_COUNT)[0][0])
        run.found, run.taken_in_at, run.tries = number, now, 0
        run.save(update_fields=["found", "taken_in_at", "tries", "people", "pairs", "outcome"])
    return number


def cut_pairs() -> set[tuple[int, int]]:
    """The people who were said not to be the same, the older first. (Cuts are made by hand: some thousands at most.)"""
    cuts = sql.rows("SELECT kind_id, value, other_kind_id, other_value FROM identity_cut")
    ends = sorted({end for a, b, c, d in cuts for end in ((a, b), (c, d))})
    if not ends:
        return set()
    homes = {(kind, value): profile for kind, value, profile, *_ in sql.rows(LOOK_UP, columns(ends))}
    pairs = {(homes.get((a, b)), homes.get((c, d))) for a, b, c, d in cuts}
    return {(min(one, other), max(one, other)) for one, other in pairs if one and other and one != other}
