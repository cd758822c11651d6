"""A public table of 88,387 journeys, sent as messages: what the product shares out is what the table itself gives.

The suite sends every fifth row (a minute or two); `WHOLE=1` sends all 397,994 messages.
"""

import csv
import gzip
import io
import os
from datetime import timedelta
from pathlib import Path as File

import numpy as np
import pytest
from django.core.management import call_command

from campaigns.attribution import load, numbers
from campaigns.attribution.filters import Filters
from campaigns.attribution.models import removal_effects
from campaigns.attribution.numbers import Table
from campaigns.models import Goal
from tests import paths
from tests.converters import channel_paths
from tests.data import replayed
from tests.paths import Path, Totals, Walk

FILE = replayed.published("channel_paths/path_data.csv.gz")
CENT = 0.005
EVERY = 1 if os.environ.get("WHOLE") else 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(900)
def test_every_channel_gets_what_an_independent_computation_gives_it(
    tmp_path: File, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = _rows()
    there = [
        Path(tuple(path.split(" > ")), int(conversions), float(value), int(nothing))
        for path, conversions, value, nothing in rows[1:]
    ]
    replayed.make_source()
    path, messages = replayed.converted(channel_paths.messages, _as_file(rows, tmp_path), tmp_path)
    sent = replayed.replay(path, capsys)
    assert (sent["read"], sent["accepted"], sent["rejected"]) == (messages, messages, 0)
    call_command("drain", "--json")

    filters = _everything()
    table = numbers.channel_table(filters)

    assert table.journeys == sum(one.times for one in there)
    assert table.conversions == sum(one.conversions for one in there)
    if EVERY == 1:
        assert (table.journeys, table.conversions) == (88_387, 19_785)
    assert table.value == pytest.approx(sum(one.value for one in there), abs=CENT)
    assert table.adds_up()
    assert (table.none.conversions, table.none.value) == (0, 0)
    for model, shares in (
        ("first", paths.first),
        ("last", paths.last),
        ("last_non_direct", paths.last),
        ("linear", paths.linear),
        ("position", paths.position),
    ):
        _same(table, model, paths.shared(there, shares))
    _markov_is_the_same(table, filters, there)
    _shapley_is_the_same(table, there)
    call_command("doctor")


def _markov_is_the_same(table: Table, filters: Filters, there: list[Path]) -> None:
    question = load.ask(filters)
    names = [channel.name.lower() for channel in question.directory.channels]
    journeys = question.counted(question.whole())
    for order in (1, 2, 3):
        expected = Walk(there, order).removal_effects()
        found = removal_effects(journeys, journeys.channel, len(names), order)
        given = dict(zip(names, found.tolist(), strict=True))
        np.testing.assert_allclose(
            [given[str(name)] for name in expected], [one for one, _ in expected.values()], atol=1e-6
        )
        conversions, value, _ = paths.touched(there)
        _same(table, "markov" if order == 1 else f"markov_{order}", paths.in_proportion(expected, conversions, value))
        if order == 1:
            without = {row.name.lower(): row.without for row in table.rows}
            for name, (effect, _) in expected.items():
                assert without[str(name)] == pytest.approx(effect, abs=1e-6)


def _shapley_is_the_same(table: Table, there: list[Path]) -> None:
    times = paths.touched(there)[2]
    groups = Walk(there).by_all_groups()
    _same(table, "shapley", {name: (one * times, other * times) for name, (one, other) in groups.items()})


def _same(table: Table, model: str, expected: Totals) -> None:
    """Conversions and value of every channel, to the cent; no other channel has any."""
    given = {row.name.lower(): row.credit[model] for row in table.rows}
    assert set(expected) <= set(given)
    for name, share in given.items():
        conversions, value = expected.get(name, (0.0, 0.0))
        assert share.conversions == pytest.approx(conversions, abs=CENT), (model, name)
        assert share.value == pytest.approx(value, abs=CENT), (model, name)


def _rows() -> list[list[str]]:
    """As it is published, its head first: read here by other means than the converter's."""
    with gzip.open(FILE, "rb") as raw:
        head, *rows = csv.reader(io.TextIOWrapper(raw, "utf-8"), delimiter=";")
    return [head, *rows[::EVERY]]


def _as_file(rows: list[list[str]], folder: File) -> File:
    path = folder / "paths.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as out:
        csv.writer(out, delimiter=";").writerows(rows)
    return path


def _everything() -> Filters:
    first = channel_paths.BEGIN.date()
    goal = Goal.objects.get(event="Order Completed")
    return Filters(goal.pk, first - timedelta(days=1), first + timedelta(days=channel_paths.DAYS + 10))
