"""Contributes or just appears: presence, removal effect and what was measured, in sentences that claim no more than they know."""

import re

import numpy as np
import pytest

from campaigns.attribution import contributes
from campaigns.attribution.contributes import Measured, Verdict, contributions, percent, presence, sentence, verdict
from campaigns.attribution.models import MODELS
from campaigns.attribution.values import MILLIONTH, TYPES, Journeys

SEARCH, DISPLAY, EMAIL = range(3)
# (channels in order, converted, how many such journeys)
SOME = [
    ([SEARCH], True, 60),
    ([DISPLAY, SEARCH], True, 2),
    ([DISPLAY], False, 70),
    ([SEARCH, SEARCH], False, 60),
    ([], True, 8),
]


def journeys(rows: list[tuple[list[int], bool, int]]) -> Journeys:
    lengths = [len(channels) for channels, _, _ in rows]
    columns = {name: np.zeros(len(rows), kind) for name, kind in TYPES.items()}
    columns |= {
        "converted": np.array([converted for _, converted, _ in rows]),
        "value": np.array([converted * times * MILLIONTH for _, converted, times in rows]),
        "weight": np.array([times for _, _, times in rows]),
        "channel": np.array([channel for channels, _, _ in rows for channel in channels], np.int16),
    }
    for name in ("campaign", "age", "kind"):
        columns[name] = np.zeros(sum(lengths), TYPES[name])
    return Journeys(np.concatenate([[0], np.cumsum(lengths)]), **columns)


def test_presence_counts_a_journey_once_however_often_it_was_touched() -> None:
    there = journeys(SOME)
    of_journeys, of_conversions = presence(there, there.channel, 3)
    assert of_journeys.tolist() == pytest.approx([122 / 200, 72 / 200, 0])
    assert of_conversions.tolist() == pytest.approx([62 / 70, 2 / 70, 0])


def test_a_channel_that_is_in_many_journeys_and_few_conversions_just_appears() -> None:
    there = journeys(SOME)
    search, display, email = contributions(there, there.channel, 3, ["Search", "Display", "E-mail"])
    assert search.verdict is Verdict.CONTRIBUTES
    assert display.verdict is Verdict.APPEARS
    # Two of the 122 walks that come to Search come by Display; of all conversions eight have no touchpoint.
    assert display.lost == pytest.approx(2 / 122 * 62 / 70)
    assert display.sentence("orders") == (
        f"Display is in 36 % of journeys; without it you’d lose {percent(display.lost)} of orders, by the Markov model."
    )
    assert email.sentence("orders") == "E-mail is in none of these journeys."


def test_an_experiment_goes_before_the_model() -> None:
    for low, high, expected, words in (
        (0.1, 0.3, Verdict.ADDS, "added 20 % of the orders of those who got it (between 10 % and 30 %)"),
        (-0.1, 0.5, Verdict.NOT_SHOWN, "could not tell what it adds from chance"),
        (-0.6, -0.2, Verdict.TAKES, "cost orders"),
    ):
        measured = Measured("Newsletter holdout", (low + high) / 2, low, high)
        assert verdict(0.4, 0.4, measured) is expected
        told = sentence("E-mail", 0.4, 0.4, "orders", measured)
        assert words in told and "by “Newsletter holdout”" in told


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0 %"), (0.38, "38 %"), (0.0213, "2.1 %"), (0.0996, "10 %"), (0.0004, "less than 0.1 %"), (-0.03, "−3.0 %")],
)
def test_shares_are_said_as_people_say_them(share: float, said: str) -> None:
    assert percent(share) == said


def test_no_model_claims_what_only_an_experiment_can() -> None:
    claim = re.compile(r"incremental|caus|uplift|\blift\b|(?<!removal )effect", re.IGNORECASE)
    for model in MODELS:
        for text in (model.name, model.sentence):
            assert not claim.search(text), text
    assert not claim.search(sentence("Display", 0.4, 0.1, "orders"))
    assert not any(claim.search(one.value) for one in contributes.Verdict)
