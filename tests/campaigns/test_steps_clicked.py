"""Whose journeys a node or a stream of the picture stands for: by step, by how many steps there are, and the channels that it
doesn't name together."""

import numpy as np
import pytest

from campaigns.attribution.directory import Directory, Named
from campaigns.attribution.steps_clicked import OTHERS, Steps, steps
from campaigns.attribution.values import PER_JOURNEY, PER_TOUCH, TYPES, Journeys
from campaigns.attribution.which import Which, which

NAMES = Directory(tuple(Named(id, name) for id, name in ((11, "Search"), (12, "Mail"), (13, "Display"))), (), 1,
                  np.zeros(1, np.int16), np.zeros(1, np.int32))  # fmt: skip
# By places: Search, Search, Mail / Mail / Display, Mail, Display / none / Search, Display.
WAYS = ((0, 0, 1), (1,), (2, 1, 2), (), (0, 2))


def going() -> Journeys:
    starts = np.cumsum([0, *(len(way) for way in WAYS)])
    columns = {name: np.zeros(len(WAYS), TYPES[name]) for name in PER_JOURNEY}
    columns |= {name: np.zeros(starts[-1], TYPES[name]) for name in PER_TOUCH}
    columns["channel"] = np.array([place for way in WAYS for place in way], np.int16)
    return Journeys(starts, **columns)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (Steps(((0, 11),)), [0, 4]),
        (Steps(((1, 12),)), [0, 2]),
        (Steps(((0, 11), (1, 12))), [0]),
        (Steps(((0, 11),), number=(2, 2)), [0, 4]),
        (Steps(((1, 12),), number=(2, 2)), [0]),
        (Steps(((1, 12),), number=(3, None)), [2]),
        (Steps(number=(1, None)), [0, 1, 2, 4]),
        (Steps(((0, OTHERS),), (11,)), [1, 2]),
        (Steps(((0, OTHERS), (1, OTHERS)), (11,)), [2]),
        (Steps(((0, 99),)), []),
        (Steps(((9, 11),)), []),
    ],
)
def test_who_goes_that_way(asked: Steps, found: list[int]) -> None:
    assert np.flatnonzero(asked.mask(NAMES, going())).tolist() == found
    of = Which(steps=asked, converted=True)
    assert which(of.query()) == of, "an address says the same"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Which(steps=Steps(((0, 11), (1, 12)))), "Journeys with Search as step 1 and Mail as step 2"),
        (Which(converted=True, steps=Steps(((0, 13),), (), (1, 1))), "Conversions with Display as step 1, of 1 step in all"),
        (Which(steps=Steps(((3, OTHERS),), (11,), (5, None))),
         "Journeys with another channel as step 4, of 5 or more steps in all"),
        (Which(converted=False, steps=Steps(number=(1, None))), "Journeys without conversion with a touchpoint"),
        (Which(steps=Steps(((0, 99),))), "Journeys with a channel that is gone as step 1"),
    ],
)  # fmt: skip
def test_it_is_said_in_words(asked: Which, said: str) -> None:
    assert asked.sentence(NAMES) == said


def test_what_cannot_be_read_is_left_out() -> None:
    assert steps("x.1_2_1.²_999.3", "1.2", None) is None
    assert steps("1.2_x", "a.5", None) == Steps(((1, 2),), (5,))
