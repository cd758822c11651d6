"""Counting an experiment's arms on one outcome: the only reading of enrolments and outcomes. Kept for a while.

Who is in several arms of it (two people who turned out to be one) is counted in none, and told apart.
"""

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from campaigns.experiments.outcomes import Outcome
from campaigns.experiments.statistics import Tally
from campaigns.models import Experiment
from cdp_site import sql

# A page shows what was counted at most so long ago: 5 s, or 50 times as long as counting took; at once where somebody was
# enrolled since, unless counting takes long.
FRESH = 5.0  # seconds
AGES = 50
DEAR = 0.5  # seconds
_SEVERAL = 0  # stands for the arm of those who are in more than one


@dataclass(frozen=True)
class Counted:
    """`arms` by arm id; `early`: people in one arm whose days weren't over; `at`: when it was counted."""

    arms: dict[int, Tally]
    several: int
    early: int
    since: datetime | None
    until: datetime | None
    at: datetime


_KEPT = """
SELECT body, at, seconds, stale FROM experiment_tally WHERE experiment_id = %s AND outcome = %s AND days = %s
"""
_KEEP = """
INSERT INTO experiment_tally (experiment_id, outcome, days, at, seconds, stale, body) VALUES (%s, %s, %s, %s, %s, false, %s)
ON CONFLICT (experiment_id, outcome) DO UPDATE
SET days = excluded.days, at = excluded.at, seconds = excluded.seconds, stale = false, body = excluded.body
"""


def of(experiment: Experiment, outcome: Outcome, oldest: timedelta | None = None) -> Counted:
    """As it was at most `oldest` ago (else as fresh as a page wants it); counted now, and kept, where it isn't."""
    now = timezone.now()
    for body, at, seconds, stale in sql.rows(_KEPT, (experiment.pk, outcome.key, experiment.days)):
        if oldest is None:
            good = (now - at).total_seconds() < max(FRESH, AGES * seconds) and not (stale and seconds < DEAR)
        else:
            good = now - at < oldest
        if good:
            return _read(body, at)
    return keep(experiment, outcome)


def keep(experiment: Experiment, outcome: Outcome) -> Counted:
    """Count it now, for whoever asks in the time to come."""
    started, now = time.monotonic(), timezone.now()
    found = count(experiment, outcome, now)
    kept = (experiment.pk, outcome.key, experiment.days, now, time.monotonic() - started, _written(found))
    with sql.cursor() as cursor:
        cursor.execute(_KEEP, kept)
    return found


_STALE = "UPDATE experiment_tally SET stale = true WHERE experiment_id = ANY(%s) AND NOT stale"
# Those on goals are what dashboards ask for.
_OLD = """
SELECT experiment_id, outcome FROM experiment_tally
WHERE outcome LIKE 'goal:%%' AND (stale OR at < %s) AND at < %s - seconds * interval '50 seconds' ORDER BY at LIMIT 1
"""
_FORGET = "DELETE FROM experiment_tally WHERE at < %s"
REFRESHED = timedelta(minutes=30)
FORGOTTEN = timedelta(days=1)


def forget(experiment: int, outcome: str) -> None:
    """Its goal or event is no more."""
    with sql.cursor() as cursor:
        cursor.execute("DELETE FROM experiment_tally WHERE experiment_id = %s AND outcome = %s", (experiment, outcome))


def mark_stale(experiments: list[int]) -> None:
    """People came to arms of these experiments, or left them."""
    with sql.cursor() as cursor:
        cursor.execute(_STALE, (experiments,))


def oldest_kept() -> tuple[int, str] | None:
    """An experiment and outcome that should be counted anew before a dashboard asks. Forgets what nobody asks for."""
    now = timezone.now()
    with sql.cursor() as cursor:
        cursor.execute(_FORGET, (now - FORGOTTEN,))
    found = sql.rows(_OLD, (now - REFRESHED, now))
    return found[0] if found else None


_SPAN = "SELECT min(since), max(since) FROM enrolment WHERE experiment_id = %s"
# One row a person; an arm stands for each who is in it alone. The outcomes of nobody else are read: hash joins over an index
# range of the outcome's name and of the experiment.
_ENROLLED = """
WITH enrolled AS (
    SELECT profile_id, CASE count(*) WHEN 1 THEN min(arm_id) ELSE 0 END AS arm_id, min(since) AS since
    FROM enrolment WHERE experiment_id = %(experiment)s GROUP BY profile_id
), person AS (
"""
_EVENTS = """
    SELECT enrolled.profile_id, enrolled.arm_id, enrolled.since,
           count(outcome.profile_id) AS times, coalesce(sum(outcome.value), 0) AS value
    FROM enrolled LEFT JOIN event AS outcome
      ON outcome.profile_id = enrolled.profile_id
     AND outcome.name_id = ANY(%(names)s::smallint[])
     AND outcome.time >= %(first)s AND outcome.time < %(last)s
     AND outcome.time >= enrolled.since AND outcome.time < enrolled.since + %(seconds)s::bigint * interval '1 second'
    GROUP BY 1, 2, 3
"""
_CONVERSIONS = """
    SELECT enrolled.profile_id, enrolled.arm_id, enrolled.since,
           count(outcome.profile_id) AS times, coalesce(sum(outcome.value), 0) / 1000000.0 AS value
    FROM enrolled LEFT JOIN journey AS outcome
      ON outcome.profile_id = enrolled.profile_id AND outcome.goal_id = %(goal)s AND outcome.converted
     AND outcome.time >= enrolled.since AND outcome.time < enrolled.since + %(seconds)s::bigint * interval '1 second'
    GROUP BY 1, 2, 3
"""
_BY_ARM = """
)
SELECT arm_id, count(*), count(*) FILTER (WHERE times > 0), sum(value), sum(value * value),
       count(*) FILTER (WHERE since > %(now)s::timestamptz - %(seconds)s::bigint * interval '1 second')
FROM person GROUP BY arm_id
"""


def count(experiment: Experiment, outcome: Outcome, now: datetime) -> Counted:
    """Count it anew as of `now`. An outcome counts from the moment of a person's enrolment until `days` (of 24 hours)
    after it."""
    first, last = sql.rows(_SPAN, (experiment.pk,))[0]
    if first is None:
        return Counted({}, 0, 0, None, None, now)
    length = timedelta(days=experiment.days)
    parameters = {
        "experiment": experiment.pk, "names": outcome.name_ids(), "goal": outcome.goal_id, "now": now,
        "first": first, "last": last + length, "seconds": int(length.total_seconds()),
    }  # fmt: skip
    counted = sql.rows(_ENROLLED + (_EVENTS if outcome.goal_id is None else _CONVERSIONS) + _BY_ARM, parameters)
    alone = [row for row in counted if row[0] != _SEVERAL]
    return Counted(
        {arm: Tally(people, converted, total, squares) for arm, people, converted, total, squares, _ in alone},
        sum(row[1] for row in counted if row[0] == _SEVERAL), sum(row[5] for row in alone), first, last, now,
    )  # fmt: skip


def _written(found: Counted) -> str:
    arms = {str(arm): [one.people, one.converted, str(one.total), str(one.squares)] for arm, one in found.arms.items()}
    moments = [moment and moment.isoformat() for moment in (found.since, found.until)]
    return json.dumps({"arms": arms, "several": found.several, "early": found.early, "moments": moments})


def _read(body: str, at: datetime) -> Counted:
    kept = json.loads(body)
    arms = {
        int(arm): Tally(people, converted, Decimal(total), Decimal(squares))
        for arm, (people, converted, total, squares) in kept["arms"].items()
    }
    since, until = (datetime.fromisoformat(moment) if moment else None for moment in kept["moments"])
    return Counted(arms, kept["several"], kept["early"], since, until, at)
