"""What messages say of experiments: `Experiment Viewed`, by Segment's specification, as (experiment, arm) of a person.

`experiment_id` (else `experiment_name`) names the experiment, `variation_id` (else `variation_name`) the arm; `control: true`
marks its arm as the control. Files of enrolments are sent as such messages too, so there is one way in.
"""

from dataclasses import dataclass

import numpy as np

from cdp_site import sql
from cdp_site.arrays import int8s

EVENT = "Experiment Viewed"
MOST_KEY = 200  # characters
CONTROL_NAMES = frozenset({"control", "holdout", "hold-out", "holdback", "baseline", "original"})

_NAME = "SELECT id FROM event_name WHERE type = 'track' AND name = %s"
# The keys as texts, as doctor reads them too.
KEYS = """
left(coalesce(nullif(btrim(properties ->> 'experiment_id'), ''), btrim(properties ->> 'experiment_name')), 200) AS experiment,
left(coalesce(nullif(btrim(properties ->> 'variation_id'), ''), btrim(properties ->> 'variation_name')), 200) AS arm
"""
_SAID = f"""
SELECT profile_id, experiment, arm, min(time), coalesce(max(experiment_name), ''), coalesce(max(arm_name), ''),
       max((lower(control) IN ('true', 'yes', '1'))::int)
FROM (
    SELECT profile_id, time, {KEYS}, left(nullif(btrim(properties ->> 'experiment_name'), ''), 200) AS experiment_name,
           left(nullif(btrim(properties ->> 'variation_name'), ''), 200) AS arm_name,
           coalesce(properties ->> 'control', '') AS control
    FROM event WHERE profile_id = ANY(%(people)b::bigint[]) AND name_id = %(name)s::smallint
) AS said WHERE experiment <> '' AND arm <> '' GROUP BY profile_id, experiment, arm
"""
_COLUMNS = [
    ("profile_id", "i8"), ("experiment", "text"), ("arm", "text"), ("since", "time"),
    ("experiment_name", "text"), ("arm_name", "text"), ("control", "i2"),
]  # fmt: skip


@dataclass(frozen=True)
class Named:
    """An arm as messages name it."""

    experiment: str
    arm: str
    experiment_name: str = ""
    arm_name: str = ""
    control: bool = False


def name_id() -> int | None:
    """The event name's number; None while no such message has arrived."""
    found = sql.rows(_NAME, (EVENT,))
    return found[0][0] if found else None


def of(people: np.ndarray, name: int) -> np.ndarray:
    """A row for each arm that these people were put into, with the first message's time (`since`, microseconds).

    Cost: one index range a person.
    """
    return sql.packed(_SAID, {"people": int8s(people), "name": name}, _COLUMNS)


def named(rows: np.ndarray) -> dict[tuple[str, str], Named]:
    """The distinct arms of such rows, each with a name where any of them gives one, and marked where any marks it."""
    found: dict[tuple[str, str], Named] = {}
    for row in rows:
        key = row["experiment"], row["arm"]
        before = found.get(key, Named(*key))
        found[key] = Named(
            *key, before.experiment_name or row["experiment_name"], before.arm_name or row["arm_name"],
            before.control or bool(row["control"]),
        )  # fmt: skip
    return found
