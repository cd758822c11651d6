"""A year of a real wholesaler's invoices, cancellations and anonymous sales, replayed: equal to the file to the cent."""

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from profiles.identifiers import USER
from tests.converters import online_retail
from tests.data import replayed

FILE = replayed.published("online_retail/online_retail_2010_2011.csv.gz")


@pytest.mark.django_db(transaction=True)
def test_customers_orders_and_revenue_are_the_files_and_a_second_replay_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    invoices: set[str] = set()
    anonymous: set[str] = set()
    revenue: dict[str, Decimal] = defaultdict(Decimal)
    lines = 0
    for row in replayed.rows(FILE):
        lines += 1
        invoices.add(row["InvoiceNo"])
        revenue[row["CustomerID"]] += int(row["Quantity"]) * Decimal(row["UnitPrice"])
        if not row["CustomerID"]:
            anonymous.add(row["InvoiceNo"])
    replayed.make_source()
    path, messages = replayed.converted(online_retail.messages, FILE, tmp_path)

    first = replayed.replay(path, capsys)

    assert (first["read"], first["accepted"], first["duplicates"], first["rejected"]) == (messages, messages, 0, 0)
    assert lines == replayed.product_lines() == 541_909
    assert replayed.events("Order Completed", "Order Refunded") == len(invoices) == 25_900
    assert replayed.events("Order Refunded") == sum(invoice.startswith("C") for invoice in invoices)
    strangers = revenue.pop("")
    assert replayed.revenue_by(USER) == revenue
    assert len(revenue) == 4_372
    kept = replayed.totals()
    assert kept[0] == len(revenue) + len(anonymous)
    assert kept[3] == sum(revenue.values()) + strangers
    call_command("doctor")

    again = replayed.replay(path, capsys)

    assert (again["accepted"], again["duplicates"], again["rejected"]) == (0, messages, 0)
    assert replayed.totals() == kept
    call_command("doctor")
