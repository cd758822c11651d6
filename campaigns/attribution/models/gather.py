"""What all models need of journeys, in sums: gathered once, kept by day or month, joined, and asked in milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.attribution.models import steps as stepping
from campaigns.attribution.models.base import Model, added, totals
from campaigns.attribution.models.steps import Steps
from campaigns.attribution.values import Credit, Journeys


@dataclass(frozen=True)
class Gathered:
    """`count` places of the axis; `conversions` and `value` (currency units) in all; the rules' credit by model's key; the
    chains' steps by order."""

    count: int
    conversions: float
    value: float
    credits: dict[str, Credit]
    steps: dict[int, Steps]

    @property
    def nbytes(self) -> int:
        credits = sum(credit.conversions.nbytes + credit.value.nbytes for credit in self.credits.values())
        return credits + sum(one.nbytes for one in self.steps.values())


def gather(models: Sequence[Model], journeys: Journeys, axis: np.ndarray, count: int) -> Gathered:
    """Cost: a pass or two over the touches a model; models of the same chain share its steps."""
    conversions, value = totals(journeys)
    return Gathered(
        count,
        conversions,
        value,
        {model.key: model.share(journeys, axis, count) for model in models if model.share},
        {
            order: stepping.steps(journeys, axis, count, order)
            for order in sorted({model.order for model in models} - {0})
        },
    )


def together(parts: Sequence[Gathered]) -> Gathered:
    """Of all their journeys; at least one part, all of the same models and places."""
    if len(parts) == 1:
        return parts[0]
    return Gathered(
        parts[0].count,
        sum(part.conversions for part in parts),
        sum(part.value for part in parts),
        {key: added([part.credits[key] for part in parts]) for key in parts[0].credits},
        {order: stepping.together([part.steps[order] for part in parts]) for order in parts[0].steps},
    )


def answer(models: Sequence[Model], gathered: Gathered) -> dict[str, Credit]:
    """By model's key."""
    return {
        model.key: model.divide(gathered.steps[model.order]) if model.divide else gathered.credits[model.key]
        for model in models
    }
