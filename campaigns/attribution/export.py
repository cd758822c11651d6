"""Dashboards as CSV: the numbers of the page, all models beside each other. Whatever is exported, shares are called shares."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from campaigns.attribution import asking, board, cohorts, numbers, paths
from campaigns.attribution.asking import Asking
from campaigns.attribution.board import NOTHING, Board, Line
from campaigns.attribution.cohorts import Cohorts
from campaigns.attribution.paths import Paths
from campaigns.experiments.results import uplift_by_campaign, uplift_by_channel
from cdp_site import sql

# A spreadsheet takes a cell that begins so for a formula. A number is none.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_PEOPLE_AT_ONCE = 5_000


def written(rows: Iterable[Sequence[Any]]) -> str:
    """As text, with a mark at its beginning by which spreadsheets know the letters."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return "\ufeff" + text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return "" if value is None else value


def board_rows(shown: Board, what: str, unit: str) -> Iterator[Sequence[Any]]:
    """Channels or campaigns; `what` heads the first column. The last rows are what has no touchpoint, and all."""
    models, currency = shown.table.models, shown.table.currency
    heads = [what, "Journeys", "Share of journeys", f"{unit} it was there for", "View-through"]
    heads += [f"{unit} by {name}" for _, name in models] + [f"Value by {name} ({currency})" for _, name in models]
    heads += [f"Cost ({currency})", *(f"Cost each by {name}" for _, name in models)]
    heads += [f"Sales for each {currency} spent by {name}" for _, name in models]
    heads += ["Share lost without it by the Markov model", "Share added as measured by an experiment", "Low (95 %)",
              "High (95 %)", "Experiment"]  # fmt: skip
    yield heads
    for line in [*shown.lines, shown.none]:
        yield _line(line, [key for key, _ in models])
    table = shown.table
    yield ["All", table.journeys, 1.0, table.conversions, None, *[table.conversions] * len(models),
           *[table.value] * len(models), table.cost]  # fmt: skip


def _line(line: Line, models: Sequence[str]) -> list[Any]:
    row, given = line.row, [line.row.credit.get(key, NOTHING) for key in models]
    measured = line.measured.share if line.measured else None
    said = [measured.estimate, measured.low, measured.high] if measured else [None] * 3
    return [
        row.name, row.journeys, line.there, row.conversions, row.view_through,
        *(one.conversions for one in given), *(one.value for one in given), row.cost,
        *(row.per_order(key) for key in models), *(row.on_spend(key) for key in models), row.without, *said,
        line.measured.experiment if line.measured else None,
    ]  # fmt: skip


def path_rows(found: Paths, unit: str) -> Iterator[Sequence[Any]]:
    """The commonest paths."""
    yield ["Path", "Journeys", unit, f"Value ({found.currency})", "Days from first touchpoint, on average"]
    for one in found.top:
        yield [" > ".join(one.names), one.journeys, one.conversions, one.value, one.days]


def cohort_rows(found: Cohorts, unit: str) -> Iterator[Sequence[Any]]:
    """By first channel, then by first channel and month."""
    ages = [f"Value of a person by month {age} ({found.currency})" for age in range(found.horizon)]
    yield [
        "First channel",
        "Month of the first touchpoint",
        "People",
        "Of them bought",
        unit,
        "Value of a person so far",
        *ages,
    ]
    for one in [*found.channels, *found.months]:
        month = one.month.strftime("%Y-%m") if one.month else "all"
        yield [one.name, month, one.people, one.buyers, one.orders, one.value, *one.values]


def of_page(question: Asking, page: str) -> Iterable[Sequence[Any]]:
    """The numbers of a page as rows, heads first; the channels' for a page that there isn't."""
    name = question.goal.name
    if page == "attribution_paths":
        return path_rows(paths.paths(question.filters, most=500), name)
    if page == "attribution_cohorts":
        return cohort_rows(cohorts.cohorts(question.filters), name)
    campaigns = page == "attribution_campaigns"
    found = (
        numbers.campaign_table(question.filters, question.of) if campaigns else numbers.channel_table(question.filters)
    )
    measured = (uplift_by_campaign if campaigns else uplift_by_channel)(question.goal.pk)
    model = asking.model_of(found.models, question.model)
    laid = board.board(found, model, question.query, measured, question.sort, campaigns=campaigns)
    return board_rows(laid, "Campaign" if campaigns else "Channel", name)


_PEOPLE = "SELECT id, name, email FROM profile WHERE id = ANY(%s::bigint[])"


def people(ids: Sequence[int]) -> Iterator[str]:
    """The people behind a number, in pieces of a file. Cost: one query for some thousand."""
    yield written([["profile_id", "name", "email"]])
    for start in range(0, len(ids), _PEOPLE_AT_ONCE):
        some = list(ids[start : start + _PEOPLE_AT_ONCE])
        yield written(sorted(sql.rows(_PEOPLE, (some,)))).removeprefix("\ufeff")
