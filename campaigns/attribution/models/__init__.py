"""The models, all computed on the same journeys. Pure functions of columns: no database, no clock, no chance but a seed.

`compute_all` for journeys at hand; `gather`, `together` and `answer` for journeys that come in parts, whose sums can be kept.
"""

from collections.abc import Sequence

import numpy as np

from campaigns.attribution.models import (
    first,
    last,
    last_non_direct,
    linear,
    markov,
    position,
    shapley,
    time_decay,
)
from campaigns.attribution.models import (
    gather as gathering,
)
from campaigns.attribution.models.base import Model, totals
from campaigns.attribution.models.gather import Gathered
from campaigns.attribution.models.steps import steps
from campaigns.attribution.values import Credit, Journeys

MODELS: tuple[Model, ...] = (
    first.MODEL,
    last.MODEL,
    last_non_direct.MODEL,
    linear.MODEL,
    position.MODEL,
    time_decay.MODEL,
    *markov.MODELS,
    shapley.MODEL,
)
BY_KEY = {model.key: model for model in MODELS}

__all__ = [
    "BY_KEY", "MODELS", "DoesNotAddUp", "Gathered", "Model", "answer", "check", "compute_all", "effects", "gather",
    "removal_effects", "taking", "together", "totals",
]  # fmt: skip


class DoesNotAddUp(ArithmeticError):
    """A model gave more or less than there was. A fault in the model, never in what was asked."""


def taking(count: int) -> tuple[Model, ...]:
    """The models that take so many channels or campaigns (`Model.most`)."""
    return tuple(model for model in MODELS if model.most is None or count <= model.most)


def compute_all(journeys: Journeys, axis: np.ndarray, count: int) -> dict[str, Credit]:
    """By model's key, in the order of MODELS; those that don't take so many places are left out (`taking`).

    `axis`: `journeys.channel` or `journeys.campaign`. Views count as touches here: give `journeys.clicks` for what models
    usually count. Cost at 1 M journeys with 4 M touches: see docs/benchmarks.md."""
    return answer(gather(journeys, axis, count))


def gather(journeys: Journeys, axis: np.ndarray, count: int) -> Gathered:
    """Of some of the journeys what all models need: nearly all of the cost of `compute_all`. For twelve channels some
    100 kB, however many journeys."""
    return gathering.gather(taking(count), journeys, axis, count)


def together(parts: Sequence[Gathered]) -> Gathered:
    """Of all their journeys; at least one, all of the same axis and count."""
    return gathering.together(parts)


def answer(gathered: Gathered) -> dict[str, Credit]:
    """As `compute_all`. Cost: tens of milliseconds for twelve channels, most of it Shapley's."""
    credits = gathering.answer(taking(gathered.count), gathered)
    for key, credit in credits.items():
        check(key, credit, gathered.conversions, gathered.value)
    return credits


def effects(gathered: Gathered, order: int = 1) -> np.ndarray:
    """Removal effects by the Markov chain of this order: see `removal_effects`."""
    return markov.removal_effects(gathered.steps[order])


def removal_effects(journeys: Journeys, axis: np.ndarray, count: int, order: int = 1) -> np.ndarray:
    """For each place the share (0 to 1) of the conversions that would be lost by the Markov model without it."""
    return markov.removal_effects(steps(journeys, axis, count, order))


def check(key: str, credit: Credit, conversions: float, value: float) -> None:
    """Raise DoesNotAddUp unless the shares add up to the conversions and to their value (to a billionth)."""
    for what, given, there in (
        ("conversions", credit.conversions.sum() + credit.none_conversions, conversions),
        ("value", credit.value.sum() + credit.none_value, value),
    ):
        if not abs(given - there) <= 1e-9 * max(1.0, there):
            raise DoesNotAddUp(f"{key}: {what} shared out {given!r}, of {there!r}")
