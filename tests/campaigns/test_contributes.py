"""Contributes or just appears: presence, removal effect and what was measured, in sentences that claim no more than they know."""

import re

import pytest

from campaigns.attribution import contributes
from campaigns.attribution.contributes import Measured, Verdict, percent, sentence, verdict
from campaigns.attribution.models import MODELS


def test_what_is_met_often_and_seldom_before_a_conversion_just_appears() -> None:
    assert verdict(0.38, 0.02) is Verdict.APPEARS
    assert verdict(0.38, 0.25) is Verdict.BETWEEN
    assert verdict(0.38, 0.38) is Verdict.CONTRIBUTES
    assert sentence("Display", 0.38, 0.02, "orders") == (
        "Display is in 38 % of journeys; without it you’d lose 2.0 % of orders, by the Markov model."
    )


def test_what_is_in_no_journey_is_said_to_be_in_none() -> None:
    assert verdict(0, 0) is Verdict.APPEARS
    assert sentence("E-mail", 0, 0, "orders") == "E-mail is in none of these journeys."


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
