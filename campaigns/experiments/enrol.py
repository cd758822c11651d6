"""The stage 'enrol': who is in which arm since when, a pure function of each person's `Experiment Viewed` messages.

One batch is one transaction: claim people from the queue → read what their messages say → write the difference. Whoever
follows changed people (`campaigns.attribution`) passes on those who may have other enrolments now: they were enrolled, or
grew together or parted. With an empty queue the stage sees that dashboards find their results counted.
"""

import numpy as np
from django.db import transaction

from campaigns.experiments import arms, outcomes, said, tallies
from campaigns.models import Experiment
from cdp_site import sql, stages
from cdp_site.arrays import int8s

CLAIM = 5_000  # queue rows

_PASS_ON = """
INSERT INTO enrol_profile (id, profile_id) SELECT id, profile_id FROM evaluated_profile
WHERE id = ANY(%b::bigint[]) AND (name_ids = '{}' OR name_ids && ARRAY[%b]::smallint[]) ON CONFLICT DO NOTHING
"""
# An event's key may stand as a key of the queue: all come from one place. Queued twice it is queued.
_MARK = """
INSERT INTO enrol_profile (id, profile_id)
SELECT max(id), profile_id FROM event WHERE name_id = %s AND (%s::text IS NULL OR properties ->> 'experiment_id' = %s)
GROUP BY profile_id ON CONFLICT DO NOTHING
"""


def pass_on(claimed: np.ndarray) -> None:
    """Queue those of these rows of `evaluated_profile` (ids; in the caller's transaction) whose enrolments may have changed."""
    name = said.name_id()
    if name is not None and len(claimed):
        with sql.cursor() as cursor:
            cursor.execute(_PASS_ON, (int8s(claimed), name))
            if cursor.rowcount:
                stages.wake("enrol")


def mark(experiment: str | None = None) -> None:
    """Have everybody looked at anew who was in an experiment, or in any; returns at once.

    Cost: one pass over the messages about experiments.
    """
    name = said.name_id()
    if name is not None:
        with sql.cursor() as cursor:
            cursor.execute(_MARK, (name, experiment, experiment))
        stages.wake("enrol")


@stages.stage("enrol", counts="profiles_enrolled", every=30)
def enrol_some() -> int:
    """One batch; returns how many queued people it took."""
    with transaction.atomic():
        taken, people = _claim()
        if taken:
            _follow(people)
    if not taken:
        _see_to_results()
    return taken


_CLAIM = """
WITH claimed AS (SELECT id FROM enrol_profile ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
DELETE FROM enrol_profile WHERE id IN (SELECT id FROM claimed) RETURNING profile_id
"""


def _claim() -> tuple[int, np.ndarray]:
    rows = sql.rows(_CLAIM, {"most": CLAIM}, binary=True)
    return len(rows), np.unique(np.array([profile for (profile,) in rows], dtype=np.int64))


_LEAVE = """
DELETE FROM enrolment WHERE profile_id = ANY(%b::bigint[]) AND NOT EXISTS (
    SELECT FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[]) AS said (profile_id, experiment_id, arm_id)
    WHERE said.profile_id = enrolment.profile_id AND said.experiment_id = enrolment.experiment_id
      AND said.arm_id = enrolment.arm_id
) RETURNING experiment_id
"""
_ENTER = """
INSERT INTO enrolment (profile_id, experiment_id, arm_id, since)
SELECT profile_id, experiment_id, arm_id, 'epoch'::timestamptz + since * interval '1 microsecond'
FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[]) AS said (profile_id, experiment_id, arm_id, since)
ON CONFLICT (profile_id, experiment_id, arm_id) DO UPDATE SET since = excluded.since
WHERE enrolment.since <> excluded.since RETURNING experiment_id
"""


def _follow(people: np.ndarray) -> None:
    """Make these people's enrolments what their messages say; of those who are gone, none."""
    name = said.name_id()
    rows = (
        said.of(people, name)
        if name is not None
        else np.empty(0, dtype=[("profile_id", np.int64), ("since", np.int64)])
    )
    numbers = arms.numbers(said.named(rows).values()) if len(rows) else {}
    pairs = [numbers.get((row["experiment"], row["arm"])) for row in rows] if len(rows) else []
    kept = np.array([pair is not None for pair in pairs], dtype=bool)
    profiles, since = rows["profile_id"][kept], rows["since"][kept]
    found = np.array([pair for pair in pairs if pair is not None], dtype=np.int64).reshape(-1, 2)
    columns = int8s(profiles), int8s(found[:, 0]), int8s(found[:, 1])
    touched = sql.rows(_LEAVE, (int8s(people), *columns)) + sql.rows(_ENTER, (*columns, int8s(since)))
    if touched:
        tallies.mark_stale(sorted({experiment for (experiment,) in touched}))


def _see_to_results() -> None:
    """Count results anew that are out of date, before a dashboard asks."""
    while waiting := tallies.oldest_kept():
        id, key = waiting
        experiment = Experiment.objects.filter(pk=id).first()
        outcome = outcomes.named(key)
        if experiment is None or outcome is None:
            tallies.forget(id, key)
        else:
            tallies.keep(experiment, outcome)


def queued() -> int:
    """How many people wait."""
    return int(sql.rows("SELECT count(*) FROM enrol_profile")[0][0])
