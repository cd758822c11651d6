"""A table of channels or campaigns as its page, its file and its letter show it: one model's numbers, the span of all models,
what an experiment measured, and the addresses of the people behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.urls import reverse

from campaigns.attribution import figures, load
from campaigns.attribution.counted import Axis, count
from campaigns.attribution.filters import Filters
from campaigns.attribution.numbers import Row, Share, Table
from campaigns.attribution.values import MILLIONTH
from campaigns.attribution.which import Which
from campaigns.experiments.results import Uplift

NOTHING = Share(0.0, 0.0)
# What a table can be sorted by, and how it is read off a line. Names rise, numbers fall.
SORTS = ("name", "there", "orders", "cost", "per_order", "on_spend", "without", "measured")


@dataclass(frozen=True)
class Span:
    """What the chosen model says, and the least and the most that any model says."""

    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """A row as it is shown. Shares are 0 to 1; `there`: of the journeys; `address`: the people whose journeys it is in,
    `converted`: those who converted, `credited`: those of whose conversions the chosen model gives it something."""

    row: Row
    there: float
    orders: Span
    share: float
    value: Span
    per_order: Span | None
    on_spend: Span | None
    margin: Span | None
    measured: Uplift | None
    address: str
    converted: str
    credited: str

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def said(self) -> str:
        """The bar in words."""
        return f"{self.name}: {self.orders.low:,.0f} to {self.orders.high:,.0f} by all models, {self.orders.at:,.0f} by this one"

    @property
    def mark(self) -> figures.Mark:
        return figures.Mark(self.row.name, self.row.hue, self.converted)


@dataclass(frozen=True)
class Board:
    """A table's lines in the order asked for, what stands beside them, and the widest span for their bars."""

    table: Table
    model: str
    model_name: str
    lines: tuple[Line, ...]
    none: Line
    widest: float
    sort: str

    @property
    def any_cost(self) -> bool:
        return any(line.row.cost is not None for line in self.lines)

    @property
    def any_measured(self) -> bool:
        return any(line.measured for line in self.lines)

    @property
    def any_without(self) -> bool:
        return any(line.row.without is not None for line in self.lines)

    @property
    def margins(self) -> tuple[float, float]:
        """The least and the greatest margin of what has a cost: what the colour of a return counts."""
        shares = [line.row.margin_share for line in self.lines if line.row.cost is not None] or [1.0]
        return min(shares), max(shares)

    @property
    def on_spend(self) -> float | None:
        """Value by all that was spent: the same by every model."""
        return self.table.value / self.table.cost if self.table.cost else None


def board(
    table: Table, model: str, query: str, measured: Mapping[int, Uplift], sort: str = "", *, campaigns: bool = False
) -> Board:
    """Lay a table out. Pure but for addresses. Cost: rows times models."""
    models = dict(table.models)
    lines = [_line(row, table, model, query, measured, campaigns) for row in table.rows]
    wanted = sort if sort in SORTS else "orders"
    lines.sort(key=lambda line: _order(line, wanted))
    none = _line(table.none, table, model, query, {}, campaigns)
    widest = max((line.orders.high for line in lines), default=0.0)
    return Board(table, model, models.get(model, model), tuple(lines), none, widest, wanted)


def _order(line: Line, by: str) -> tuple[float, str]:
    if by == "name":
        return 0.0, line.name.lower()
    measured = line.measured.share.estimate if line.measured and line.measured.share else None
    numbers: dict[str, float | None] = {
        "there": line.there, "orders": line.orders.at, "cost": line.row.cost,
        "per_order": line.per_order.at if line.per_order else None, "on_spend": line.on_spend.at if line.on_spend else None,
        "without": line.row.without, "measured": measured,
    }  # fmt: skip
    value = numbers[by]
    return float("inf") if value is None else -value, line.name.lower()


def _line(
    row: Row, table: Table, model: str, query: str, measured: Mapping[int, Uplift], campaigns: bool
) -> Line:  # fmt: skip
    said = row.credit.get(model, NOTHING)
    known = list(row.credit.values()) or [NOTHING]
    orders = Span(said.conversions, min(one.conversions for one in known), max(one.conversions for one in known))
    which = Which(untouched=True) if row.id is None else Which(campaign=row.id) if campaigns else Which(channel=row.id)
    return Line(
        row,
        row.journeys / table.journeys if table.journeys else 0.0,
        orders,
        said.conversions / table.conversions if table.conversions else 0.0,
        Span(said.value, min(one.value for one in known), max(one.value for one in known)),
        _span(row, "per_order", row.per_order(model)),
        _span(row, "on_spend", row.on_spend(model)),
        _span(row, "margin", row.margin(model)),
        measured.get(row.id) if row.id is not None else None,
        people(query, which),
        people(query, which if row.id is None else replace(which, converted=True)),
        people(query, which if row.id is None else replace(which, model=model)),
    )


def _span(row: Row, what: str, at: float | None) -> Span | None:
    found = row.range_of(what)
    return None if found is None else Span(found[0] if at is None else at, *found)


def people(query: str, which: Which) -> str:
    """The address of the people behind a number: the filters, then what was clicked."""
    said = which.query()
    return f"{reverse('attribution_people')}?{'&'.join(part for part in (query, urlencode(said)) if part)}"


def totals(filters: Filters) -> tuple[int, float]:
    """Conversions and their value, for comparing: without models, so a fraction of a table's cost."""
    question = load.ask(filters)
    counted = count(question, Axis.asked(question, False))
    return int(counted.conversions.sum()), int(counted.value.sum()) / MILLIONTH


def credits(shown: Board) -> Sequence[tuple[Line, list[Share]]]:
    """Every line with every model's credit: the plot as a table. The last one is what has no touchpoint."""
    keys = [key for key, _ in shown.table.models]
    return [(line, [line.row.credit.get(key, NOTHING) for key in keys]) for line in [*shown.lines, shown.none]]
