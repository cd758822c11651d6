"""What must hold of packed days: they say what the table of journeys says."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np

from campaigns.attribution.blocks import EPOCH, read
from campaigns.attribution.packing import pack
from cdp_site import sql
from cdp_site.checks import check

SAMPLE = 40  # days besides the newest
_NEWEST = 10
_TOGETHER = 8
# As in the stage: of a goal whose journeys are being made anew nothing is packed until they are.
_DAYS = "SELECT goal_id, day - DATE '1970-01-01' FROM journey_block WHERE NOT stale ORDER BY day, goal_id"
_BODY = "SELECT body, journeys FROM journey_block WHERE goal_id = %s AND day = %s"


@check("packed days say what journeys say")
def packed_days_are_true() -> Iterator[str]:
    """Cost: some days, read from both. Days that are stale are about to be packed anew."""
    days = [(goal, EPOCH + timedelta(days=day)) for goal, day in sql.rows(_DAYS)]
    newest, older = days[-_NEWEST:], days[:-_NEWEST]
    # Other days each time: the doctor comes by often.
    chosen = np.random.default_rng().permutation(len(older))[:SAMPLE].tolist()
    asked = [*(older[place] for place in sorted(chosen)), *newest]
    for begin in range(0, len(asked), _TOGETHER):
        some = asked[begin : begin + _TOGETHER]
        told = {(one.goal, one.day): one.journeys for one in read(some)}
        for goal, day in some:
            body, number = sql.rows(_BODY, (goal, day), binary=True)[0]
            there = told.get((goal, day))
            if there is None or body != pack(there) or number != len(there):
                yield _sentence(
                    goal, day, f"{number:,} journeys are packed, {0 if there is None else len(there):,} are there"
                )


def _sentence(goal: int, day: date, what: str) -> str:
    return f"goal {goal} on {day}: {what}; `manage.py attribution recompute` has its journeys made and packed anew"
