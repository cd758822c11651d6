"""The stage 'rank': once an hour everybody is ranked anew for the tops that live segments ask for."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from cdp_site import sql, stages
from segments import fill, members, ranking
from segments.require import digest
from segments.rules import Top, key

_KEPT = "SELECT key, threshold, at FROM segment_ranking"
_FORGET = "DELETE FROM segment_ranking WHERE key <> ALL(%s)"


@stages.stage("rank", counts="rankings")
def rank_some() -> int:
    """What is due, one thing that people are ranked by; returns how many thresholds were found."""
    return refresh(timezone.now())


def refresh(now: datetime) -> int:
    """Rank by one thing whose thresholds are older than an hour; segments whose threshold moved are filled anew."""
    asked: dict[str, Top] = {}
    used: dict[str, list[int]] = {}
    for segment in members.live():
        for slot, top in ranking.tops(*([segment.rule] if segment.rule else [])).items():
            asked[slot] = top
            used.setdefault(slot, []).append(segment.id)
    kept = {slot: (threshold, at) for slot, threshold, at in sql.rows(_KEPT)}
    due = [
        top for slot, top in asked.items() if digest(slot) not in kept or kept[digest(slot)][1] <= now - ranking.KEPT
    ]
    if not due:
        if len(kept) > len(asked):
            with sql.cursor() as cursor:
                cursor.execute(_FORGET, ([digest(slot) for slot in asked],))
        return 0
    together = [top for top in due if key(top.by) == key(due[0].by)]
    found = ranking.rank(together, now)
    with transaction.atomic():
        ranking.store(found, together, now)
        moved = {
            id
            for slot, threshold in found.items()
            if kept.get(digest(slot), (None,))[0] != threshold
            for id in used[slot]
        }
        fill.mark(sorted({abs(id) for id in moved}))
    return len(found)
