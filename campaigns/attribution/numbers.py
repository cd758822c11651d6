"""The numbers of the channel table and of the campaigns' one: presence, credit by every model, views, cost, lines.

Who stands by, never what caused: see `campaigns.attribution`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from campaigns.attribution.filters import Filters


@dataclass(frozen=True)
class Share:
    """What a model gives to one row. `value` in the goal's currency; `error`: half a 95 % interval, where it samples."""

    conversions: float
    value: float
    error: float | None = None


@dataclass(frozen=True)
class Row:
    """A channel, or a campaign. `id` None: conversions without any touchpoint ('No touchpoint known').

    `journeys`, `conversions`: how many journeys it is in, and how many of those converted. `alone`: conversions in which
    nothing else is. `view_through`: conversions in which it was seen, but never followed. `credit` by model's key.
    `without`: share of the conversions that would be lost without it, by the Markov model; always to be labelled so.
    `line`: conversions it is in, by bucket of the table. `cost`: of the days asked for, None where none is known.
    """

    id: int | None
    name: str
    hue: int
    paid: bool
    journeys: int
    conversions: int
    value: float
    alone: int
    view_through: int
    credit: Mapping[str, Share]
    without: float | None
    line: tuple[int, ...]
    cost: float | None = None
    impressions: int | None = None
    clicks: int | None = None
    margin_share: float = 1.0
    channel: int | None = None  # id of a campaign's channel

    def per_order(self, model: str) -> float | None:
        """Cost per conversion by a model; None without cost or credit."""
        raise NotImplementedError

    def on_spend(self, model: str) -> float | None:
        """Value per unit of cost by a model (return on ad spend); None without cost."""
        raise NotImplementedError

    def margin(self, model: str) -> float | None:
        """What is left of the value by a model: its margin less the cost. None without cost."""
        raise NotImplementedError

    def range_of(self, what: str) -> tuple[float, float] | None:
        """Lowest and highest over the models of 'conversions', 'value', 'per_order', 'on_spend' or 'margin': the honest
        range."""
        raise NotImplementedError


@dataclass(frozen=True)
class Table:
    """Rows by credit of the last-touch model, the greatest first; `none` stands beside them. For each model the credit of
    all rows and `none` adds up to `conversions` and `value` (`adds_up`)."""

    filters: Filters
    rows: tuple[Row, ...]
    none: Row
    models: tuple[tuple[str, str], ...]  # key, name
    journeys: int
    conversions: int
    value: float  # in `currency`, what was taken back taken off
    back: float  # what was taken back
    new: int  # conversions that were the person's first
    other_currency: int  # conversions whose value isn't counted, for it is in another currency
    currency: str
    bucket: str  # 'day', 'week' or 'month'
    starts: tuple[date, ...]  # first day of each bucket
    line: tuple[int, ...]  # all conversions by bucket
    value_line: tuple[float, ...]
    cost: float | None
    other_costs: tuple[tuple[str, float], ...]  # (currency, amount) that isn't the goal's, and isn't counted
    waiting: int  # days that are about to be brought up to date

    def row(self, id: int) -> Row | None:
        raise NotImplementedError

    def adds_up(self) -> bool:
        """Whether every model's credit makes up the conversions and their value (to a millionth of them)."""
        raise NotImplementedError


def channel_table(filters: Filters) -> Table:
    """Cost at a million journeys: see docs/benchmarks.md; nothing where the last answers have it."""
    raise NotImplementedError


def campaign_table(filters: Filters, channel: int | None = None) -> Table:
    """The same by campaign, of one channel's or all; touches without a campaign are in a row of their own (id 0). Only
    the models that take any number of players (`OF_CAMPAIGNS`)."""
    raise NotImplementedError
