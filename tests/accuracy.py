"""How well messages are put down to people: pairwise precision and recall, counted by the sizes of groups."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Accuracy:
    """Of all pairs of messages put down to one person: how many are one's (`precision`). Of all pairs that are one
    person's: how many were put down to one (`recall`)."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def accuracy(truth: Mapping[str, Hashable], people: Mapping[str, Hashable]) -> Accuracy:
    """`truth` and `people` give each message's person, by names of their own. Cost: two sorts of the messages."""
    assert truth.keys() == people.keys(), "each message has a person in both"
    messages = list(truth)
    true = _numbered([truth[message] for message in messages])
    told = _numbered([people[message] for message in messages])
    both = _pairs(true * (told.max() + 1) + told)
    return Accuracy(both / _pairs(told), both / _pairs(true))


def _numbered(names: Sequence[Hashable]) -> np.ndarray:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def _pairs(groups: np.ndarray) -> int:
    """How many pairs of members are in one group."""
    sizes = np.unique(groups, return_counts=True)[1].astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


def joined_by(messages: Mapping[str, Iterable[Hashable]]) -> dict[str, Hashable]:
    """Whoever shares any of these names is one: {message: the first name of its group}."""
    above: dict[Hashable, Hashable] = {}

    def find(one: Hashable) -> Hashable:
        while (up := above.setdefault(one, one)) != one:
            above[one] = one = above[up]
        return one

    for message, names in messages.items():
        for name in names:
            above[find(name)] = find(message)
    return {message: find(message) for message in messages}
