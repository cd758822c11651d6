"""How far the models are from the truth, where the truth is known: worlds that are run once more without each channel.

People differ in how ready they are to buy; those who are meet some channels more, and some channels follow whoever was met
before. A touch makes a purchase likelier for some days. The same chances are drawn with a channel and without it, so that the
purchases it adds can be counted. Everything about these worlds is made up.
"""

from dataclasses import dataclass

import numpy as np

from campaigns.attribution.models import MODELS
from campaigns.attribution.values import MILLIONTH, TYPES, Journeys, Touch

WORLDS, PEOPLE, DAYS, CHANNELS = 6, 200_000, 14, 6


@dataclass(frozen=True)
class World:
    """Per channel: `reach` (chance of a touch a day), `ready` (how much more for whoever is ready to buy), `follows` (how
    much more after any touch), `pull` (what a touch adds to the chance to buy that day; half of it the next)."""

    seed: int
    reach: np.ndarray
    ready: np.ndarray
    follows: np.ndarray
    pull: np.ndarray


def run() -> dict[str, object]:
    """For each model half the sum of the differences between its shares and the true ones: least, mean and most of the worlds."""
    off: dict[str, list[float]] = {model.name: [] for model in MODELS}
    for seed in range(1, WORLDS + 1):
        one = world(seed)
        _, bought = lived(one)
        added = np.array([bought.sum() - lived(one, without)[1].sum() for without in range(CHANNELS)], float)
        true = np.maximum(added, 0) / np.maximum(added, 0).sum()
        there = journeys(one)
        for model in MODELS:
            found = model.compute(there, there.channel, CHANNELS).conversions
            off[model.name].append(float(np.abs(found / found.sum() - true).sum() / 2))
    return {
        f"{name}, % of the shares wrong, least / mean / most": " / ".join(
            f"{value * 100:.0f}" for value in (min(some), sum(some) / len(some), max(some))
        )
        for name, some in off.items()
    }


def world(seed: int) -> World:
    dice = np.random.default_rng(seed)
    return World(
        seed,
        dice.uniform(0.01, 0.06, CHANNELS),
        dice.uniform(0, 4, CHANNELS),
        dice.choice([0.0, 3.0], CHANNELS, p=[0.7, 0.3]),
        dice.choice([0.0, 1.0], CHANNELS, p=[0.3, 0.7]) * dice.uniform(0.002, 0.03, CHANNELS),
    )


def lived(one: World, without: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Who was touched by what on which day (people x days x channels), and on which day they bought (people x days)."""
    dice = np.random.default_rng(one.seed)
    ready = dice.beta(1, 4, PEOPLE)
    touched = np.zeros((PEOPLE, DAYS, CHANNELS), bool)
    bought = np.zeros((PEOPLE, DAYS), bool)
    still, met = np.ones(PEOPLE, bool), np.zeros(PEOPLE, bool)
    pull = np.zeros(PEOPLE)
    for day in range(DAYS):
        chance = one.reach * (1 + one.ready * ready[:, None]) * (1 + one.follows * met[:, None])
        touched[:, day] = (dice.random((PEOPLE, CHANNELS)) < chance) & still[:, None]
        if without is not None:
            touched[:, day, without] = False
        met |= touched[:, day].any(axis=1)
        pull = pull / 2 + touched[:, day] @ one.pull
        bought[:, day] = (dice.random(PEOPLE) < 0.03 * ready**2 + pull) & still
        still &= ~bought[:, day]
    return touched, bought


def journeys(one: World) -> Journeys:
    touched, bought = lived(one)
    person, day, channel = np.nonzero(touched)
    starts = np.searchsorted(person, np.arange(PEOPLE + 1))
    converted = bought.any(axis=1)
    end = np.where(converted, bought.argmax(axis=1), DAYS)
    columns = {name: np.zeros(PEOPLE, kind) for name, kind in TYPES.items()}
    columns |= {
        "converted": converted,
        "value": converted.astype(np.int64) * MILLIONTH,
        "weight": np.ones(PEOPLE, np.int64),
        "channel": channel.astype(np.int16),
        "campaign": np.full(len(channel), -1, np.int32),
        "age": ((end[person] - day) * 86_400).astype(np.int32),
        "kind": np.full(len(channel), Touch.CLICK, np.int8),
    }
    return Journeys(starts, **columns)
