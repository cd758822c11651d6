"""What is said of the numbers, checked word by word; and that no word says more than a model can know."""

import re

import pytest

from campaigns.attribution import sentences
from tests.campaigns.tables import channel, november, table

CLAIMS = re.compile(
    r"incremental|causal|caus(e|es|ed|ing)\b|uplift|\blift\b|because of|thanks to|effect", re.IGNORECASE
)


def test_one_sentence_says_who_opens_who_closes_and_who_stands_by() -> None:
    assert sentences.told(november(), "orders") == (
        "E-mail starts few journeys but closes many (starts 8.0 %, closes 48 %); Display is in 38 % of journeys, and by "
        "the Markov model you’d lose 2.0 % of orders without it."
    )


def test_few_conversions_say_little() -> None:
    assert "too few to say much" in sentences.told(
        table(channel(11, "E-mail", {"first": 5, "last": 5}), conversions=5), "orders"
    )
    assert sentences.told(table(conversions=0), "orders") == "No orders in these days yet."


def test_a_channel_that_loses_money_by_every_model_is_named() -> None:
    said = sentences.budget(november())
    assert said == (
        "By every model Display brings back less than it costs: of 4,000 EUR spent, 0.15 to 0.28 EUR of sales for each EUR."
    )


def test_where_models_disagree_nobody_is_condemned() -> None:
    torn = table(channel(13, "Display", {"first": 22, "last": 12, "markov": 15}, conversions=38, cost=700))
    assert sentences.budget(torn).startswith("No channel loses money by every model. Display does by 1 of 3")


def test_margin_counts_not_turnover() -> None:
    credit = {"first": 60, "last": 60, "markov": 60}
    turnover, margin = channel(11, "Search", credit, cost=1000), channel(11, "Search", credit, cost=1000, margin=0.3)
    assert sentences.budget(table(turnover)) == "By every model each paid channel brings back more than it costs."
    assert sentences.budget(table(margin)) == (
        "By every model Search brings back less than it costs: of 1,000 EUR spent, 0.90 EUR for each EUR, as its margin "
        "leaves 30 % of 3.00 EUR of sales."
    )


def test_without_costs_nothing_is_said_of_money() -> None:
    assert sentences.budget(table(channel(11, "E-mail", {"first": 50, "last": 50, "markov": 50}))) == ""


@pytest.mark.parametrize("said", [sentences.told(november(), "orders"), sentences.budget(november())])
def test_no_sentence_says_that_a_channel_brought_anything_about(said: str) -> None:
    assert not CLAIMS.search(said)


@pytest.mark.parametrize(
    ("now", "then", "said"), [(110, 100, "10 % more"), (50, 100, "50 % less"), (100, 100, "as much")]
)
def test_changes_in_words(now: int, then: int, said: str) -> None:
    assert sentences.change(now, then) == said
