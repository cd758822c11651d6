"""The models, all computed on the same journeys. Pure functions of columns: no database, no clock, no chance but a seed."""

import numpy as np

from campaigns.attribution.models import first, last, last_non_direct, linear, markov, position, shapley, time_decay
from campaigns.attribution.models.base import Model, totals
from campaigns.attribution.models.markov import removal_effects
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

__all__ = ["BY_KEY", "MODELS", "DoesNotAddUp", "Model", "check", "compute_all", "removal_effects", "taking", "totals"]


class DoesNotAddUp(ArithmeticError):
    """A model gave more or less than there was. A fault in the model, never in what was asked."""


def taking(count: int) -> tuple[Model, ...]:
    """The models that take so many channels or campaigns (`Model.most`)."""
    return tuple(model for model in MODELS if model.most is None or count <= model.most)


def compute_all(journeys: Journeys, axis: np.ndarray, count: int) -> dict[str, Credit]:
    """By model's key, in the order of MODELS; those that don't take so many places are left out (`taking`).

    `axis`: `journeys.channel` or `journeys.campaign`. Views count as touches here: give `journeys.clicks` for what models
    usually count. Cost at 1 M journeys with 4 M touches: see docs/benchmarks.md."""
    credits = {model.key: model.compute(journeys, axis, count) for model in taking(count)}
    for key, credit in credits.items():
        check(key, credit, journeys)
    return credits


def check(key: str, credit: Credit, journeys: Journeys) -> None:
    """Raise DoesNotAddUp unless the shares add up to the conversions and to their value (to a billionth)."""
    for what, given, there in (
        ("conversions", credit.conversions.sum() + credit.none_conversions, totals(journeys)[0]),
        ("value", credit.value.sum() + credit.none_value, totals(journeys)[1]),
    ):
        if not abs(given - there) <= 1e-9 * max(1.0, there):
            raise DoesNotAddUp(f"{key}: {what} shared out {given!r}, of {there!r}")
