"""Experiments and arms as they are first heard of: the dictionary of (experiment, arm) keys, and which arm is the control."""

from collections.abc import Iterable

import structlog

from campaigns.experiments.said import CONTROL_NAMES, Named
from campaigns.models import Arm, Experiment

log = structlog.get_logger(__name__)
# More than that are no experiments: somebody sends something else in their place. What is beyond is left alone.
MOST_EXPERIMENTS = 2_000
MOST_ARMS = 50


def numbers(named: Iterable[Named]) -> dict[tuple[str, str], tuple[int, int]]:
    """The ids of experiment and arm, by their keys; new ones are made. Cost: two small queries, while nothing is new."""
    wanted = list(named)
    experiments = _experiments(wanted)
    arms = _known_arms(experiments.values())
    fresh: list[Arm] = []
    sizes: dict[int, int] = {}
    for experiment, _ in arms:
        sizes[experiment] = sizes.get(experiment, 0) + 1
    for one in wanted:
        id = experiments.get(one.experiment)
        if id is None or (id, one.arm) in arms:
            continue
        sizes[id] = sizes.get(id, 0) + 1
        if sizes[id] > MOST_ARMS:
            log.warning("experiment_has_too_many_arms", experiment=id)
            continue
        fresh.append(Arm(experiment_id=id, key=one.arm, name=one.arm_name or one.arm))
    if fresh:
        Arm.objects.bulk_create(fresh, ignore_conflicts=True)
        arms = _known_arms(experiments.values())
    _mark_controls(wanted, experiments, {(one.experiment_id, one.key) for one in fresh})
    found = {}
    for one in wanted:
        id = experiments.get(one.experiment)
        if id is not None and (id, one.arm) in arms:
            found[one.experiment, one.arm] = id, arms[id, one.arm]
    return found


def _experiments(wanted: list[Named]) -> dict[str, int]:
    keys = {one.experiment: one.experiment_name for one in sorted(wanted, key=lambda one: one.experiment_name)}
    known = dict(Experiment.objects.filter(key__in=keys).values_list("key", "id"))
    missing = sorted(keys.keys() - known.keys())
    if not missing:
        return known
    room = MOST_EXPERIMENTS - Experiment.objects.count()
    if len(missing) > room:
        log.warning("too_many_experiments", left_alone=len(missing) - max(room, 0))
    fresh = [Experiment(key=key, name=keys[key] or key) for key in missing[: max(room, 0)]]
    Experiment.objects.bulk_create(fresh, ignore_conflicts=True)
    return dict(Experiment.objects.filter(key__in=keys).values_list("key", "id"))


def _known_arms(experiments: Iterable[int]) -> dict[tuple[int, str], int]:
    rows = Arm.objects.filter(experiment_id__in=list(experiments)).values_list("experiment_id", "key", "id")
    return {(experiment, key): id for experiment, key, id in rows}


def _mark_controls(wanted: list[Named], experiments: dict[str, int], fresh: set[tuple[int, str]]) -> None:
    """In experiments that have no control yet: the arm that a message marks, else a new one that is called so."""
    marked: dict[int, str] = {}
    for one in sorted(wanted, key=lambda one: (not one.control, one.arm)):
        id = experiments.get(one.experiment)
        if id is None or id in marked:
            continue
        called = (id, one.arm) in fresh and bool(CONTROL_NAMES & {one.arm.lower(), one.arm_name.lower()})
        if one.control or called:
            marked[id] = one.arm
    if marked:
        have = set(Arm.objects.filter(experiment_id__in=marked, control=True).values_list("experiment_id", flat=True))
        for id, key in marked.items():
            if id not in have:
                Arm.objects.filter(experiment_id=id, key=key).update(control=True)
