"""What must hold of experiments: enrolments are what messages say, and an experiment has one control at most."""

from collections.abc import Iterator

from campaigns.experiments import said
from cdp_site import sql
from cdp_site.checks import check

# Whoever waits in a queue may be behind; arms that were left alone (`campaigns.experiments.arms`) are nobody's.
_DIFFERENT = f"""
WITH said AS (
    SELECT profile_id, experiment, arm, min(time) AS since
    FROM (SELECT profile_id, time, {said.KEYS} FROM event WHERE name_id = %(name)s::smallint) AS viewed
    WHERE experiment <> '' AND arm <> '' GROUP BY profile_id, experiment, arm
), meant AS (
    SELECT said.profile_id, experiment.id AS experiment_id, experiment_arm.id AS arm_id, said.since
    FROM said JOIN experiment ON experiment.key = said.experiment
    JOIN experiment_arm ON experiment_arm.experiment_id = experiment.id AND experiment_arm.key = said.arm
)
SELECT count(*) FROM meant FULL JOIN enrolment USING (profile_id, experiment_id, arm_id)
WHERE meant.since IS DISTINCT FROM enrolment.since
  AND NOT EXISTS (SELECT FROM changed_profile WHERE changed_profile.profile_id = enrolment.profile_id
                  OR changed_profile.profile_id = meant.profile_id)
  AND NOT EXISTS (SELECT FROM evaluated_profile WHERE evaluated_profile.profile_id = enrolment.profile_id
                  OR evaluated_profile.profile_id = meant.profile_id)
  AND NOT EXISTS (SELECT FROM enrol_profile WHERE enrol_profile.profile_id = enrolment.profile_id
                  OR enrol_profile.profile_id = meant.profile_id)
"""


@check("enrolments are what messages say")
def enrolments_are_said() -> Iterator[str]:
    """Cost: one pass over the messages about experiments."""
    name = said.name_id()
    number = sql.rows(_DIFFERENT, {"name": name or 0})[0][0]
    if number:
        yield f"{number:,} enrolments are missing, too many, or from another moment than the first message that says so"


_NOWHERE = """
SELECT count(*) FROM enrolment
WHERE NOT EXISTS (SELECT FROM experiment_arm WHERE experiment_arm.id = enrolment.arm_id
                  AND experiment_arm.experiment_id = enrolment.experiment_id)
"""


@check("enrolments are in arms that there are")
def enrolments_have_arms() -> Iterator[str]:
    number = sql.rows(_NOWHERE)[0][0]
    if number:
        yield f"{number:,} enrolments are in arms that no experiment has"
