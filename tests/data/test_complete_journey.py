"""Till lines of real households with loyalty cards, replayed: equal to the file to the cent."""

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from profiles.identifiers import CARD
from tests.converters import complete_journey
from tests.data import replayed

FILE = replayed.published("complete_journey/transactions_sample.csv.gz")

CENT = Decimal("0.01")


@pytest.mark.django_db(transaction=True)
def test_households_baskets_and_revenue_are_the_files_and_a_second_replay_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    baskets = set()
    for row in replayed.rows(FILE):
        card = f"HH{row['household_id']}"  # a card's normal form has no hyphen
        revenue[card] += Decimal(row["sales_value"])
        baskets.add(row["basket_id"])
    replayed.make_source()
    path, messages = replayed.converted(complete_journey.messages, FILE, tmp_path)

    first = replayed.replay(path, capsys)

    assert (first["read"], first["accepted"], first["duplicates"], first["rejected"]) == (messages, messages, 0, 0)
    assert replayed.product_lines() == 75_000
    assert replayed.events("Order Completed") == len(baskets) == 47_243
    assert replayed.revenue_by(CARD) == {card: total.quantize(CENT) for card, total in revenue.items()}
    kept = replayed.totals()
    assert kept[0] == len(revenue) == 2_377
    assert kept[3] == sum(revenue.values(), Decimal()).quantize(CENT)
    call_command("doctor")

    again = replayed.replay(path, capsys)

    assert (again["accepted"], again["duplicates"], again["rejected"]) == (0, messages, 0)
    assert replayed.totals() == kept
