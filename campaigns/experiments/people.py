"""Who is behind a number of an experiment: the people of an arm, those of them who converted, those in several arms."""

from dataclasses import dataclass
from datetime import datetime

from campaigns.experiments.outcomes import Outcome
from campaigns.models import Experiment
from cdp_site import sql
from segments import report

PAGE = 50
SEVERAL = "several"


@dataclass(frozen=True)
class Enrolled:
    """Somebody, since when in the arm (the first of several), and how many arms."""

    person: report.Member
    since: datetime
    arms: int


@dataclass(frozen=True)
class Page:
    people: list[Enrolled]
    following: int | None


_PEOPLE = """
SELECT profile_id, since, arms FROM (
    SELECT profile_id, min(arm_id) AS arm_id, min(since) AS since, count(*) AS arms FROM enrolment
    WHERE experiment_id = %(experiment)s AND profile_id > %(after)s GROUP BY profile_id
) AS enrolled
WHERE CASE WHEN %(arm)s::bigint IS NULL THEN arms > 1 ELSE arms = 1 AND arm_id = %(arm)s::bigint END
"""
_DID = """
AND EXISTS (
    SELECT FROM event AS outcome
    WHERE outcome.profile_id = enrolled.profile_id
      AND outcome.name_id = ANY(%(names)s::smallint[])
      AND outcome.time >= enrolled.since AND outcome.time < enrolled.since + %(seconds)s::bigint * interval '1 second'
)
"""
_CONVERTED = """
AND EXISTS (
    SELECT FROM journey AS outcome
    WHERE outcome.profile_id = enrolled.profile_id AND outcome.goal_id = %(goal)s AND outcome.converted
      AND outcome.time >= enrolled.since AND outcome.time < enrolled.since + %(seconds)s::bigint * interval '1 second'
)
"""
_ORDER = "ORDER BY profile_id LIMIT %(most)s"


def page(experiment: Experiment, arm: int | None, converted: Outcome | None = None, after: int = 0) -> Page:
    """People of an arm (None: of several), all or those with an outcome in their days; in the order of their ids.

    Cost: the experiment's enrolments from `after` on are grouped.
    """
    parameters = {
        "experiment": experiment.pk, "arm": arm, "after": after, "most": PAGE + 1, "seconds": experiment.days * 86_400,
        "names": converted.name_ids() if converted else [], "goal": converted.goal_id if converted else None,
    }  # fmt: skip
    condition = "" if converted is None else _DID if converted.goal_id is None else _CONVERTED
    rows = sql.rows(_PEOPLE + condition + _ORDER, parameters)
    shown = {one.id: one for one in report.some([id for id, _, _ in rows[:PAGE]])}
    people = [Enrolled(shown[id], since, arms) for id, since, arms in rows[:PAGE] if id in shown]
    return Page(people, rows[PAGE - 1][0] if len(rows) > PAGE else None)
