"""The table as it is laid out and exported: spans, order, addresses; totals that add up in the file, too."""

import csv
import io
from urllib.parse import parse_qs, urlparse

import pytest

from campaigns.attribution import board, export, pictures
from tests.campaigns.tables import channel, november, table


def laid(sort: str = "", model: str = "last") -> board.Board:
    return board.board(november(), model, "days=30", {}, sort)


def test_a_bar_spans_the_models_and_marks_the_chosen_one() -> None:
    mail = next(line for line in laid().lines if line.name == "E-mail")
    assert (mail.orders.low, mail.orders.at, mail.orders.high) == (8, 48, 48)
    assert laid().widest == 60


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("", ["E-mail", "Paid Search", "Display"]),
        ("name", ["Display", "E-mail", "Paid Search"]),
        ("cost", ["Display", "Paid Search", "E-mail"]),
        ("there", ["Paid Search", "E-mail", "Display"]),
        ("'; drop table", ["E-mail", "Paid Search", "Display"]),
    ],
)
def test_order(sort: str, names: list[str]) -> None:
    assert [line.name for line in laid(sort).lines] == names


def test_every_number_leads_to_its_people_with_the_filters() -> None:
    line = next(line for line in laid().lines if line.name == "Display")
    asked = parse_qs(urlparse(line.converted).query)
    assert asked["days"] == ["30"]
    assert asked["of_channel"] == ["13"]
    assert asked["of_converted"] == ["1"]
    assert "untouched" in laid().none.converted
    assert parse_qs(urlparse(line.credited).query)["of_model"] == ["last"]


def test_the_file_adds_up_by_every_model() -> None:
    rows = list(
        csv.DictReader(
            io.StringIO(export.written(export.board_rows(laid(), "Channel", "Orders")).removeprefix("\ufeff"))
        )
    )
    assert [row["Channel"] for row in rows][-2:] == ["No touchpoint known", "All"]
    for model in ("First touch", "Last touch", "Markov"):
        shares = [float(row[f"Orders by {model}"]) for row in rows]
        assert sum(shares[:-1]) == pytest.approx(shares[-1])
    assert not any(word in " ".join(rows[0]).lower() for word in ("incremental", "causal", "uplift", "effect"))


def test_a_name_that_a_spreadsheet_would_reckon_with_stays_a_name() -> None:
    evil = table(channel(1, "=HYPERLINK(1)", {"first": 90, "last": 90, "markov": 90}), none=10)
    text = export.written(export.board_rows(board.board(evil, "last", "", {}), "Channel", "Orders"))
    assert "'=HYPERLINK(1)" in text


def test_the_plot_shows_every_model_and_a_mark_leads_to_people() -> None:
    figure = pictures.compared(laid(), "orders")
    dots = [one for one in figure["data"] if one["mode"] == "markers"]
    assert {one["name"] for one in dots} == {"First touch", "Last touch", "Markov"}
    assert dots[-1]["name"] == "Last touch"
    assert all(address.startswith("/attribution/people/?") for address in dots[0]["customdata"])


def test_who_is_present_most_stands_first_and_says_by_which_model() -> None:
    standings = pictures.standings(laid(), "orders")
    assert [one.mark.name for one in standings] == ["Paid Search", "E-mail", "Display"]
    assert (
        standings[2].sentence == " is in 38 % of journeys; without it you’d lose 2.0 % of orders, by the Markov model."
    )
    assert standings[2].verdict == "appears"
