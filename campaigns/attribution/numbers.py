"""The numbers of the channel table and of the campaigns' one: presence, credit by every model, views, cost, lines.

Who stands by, never what caused: see `campaigns.attribution`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from campaigns.attribution import load
from campaigns.attribution.counted import WALKING, Axis, Counted, as_journeys, count
from campaigns.attribution.directory import Named
from campaigns.attribution.filters import Filters, bucket_of, buckets
from campaigns.attribution.load import Question
from campaigns.attribution.models import BY_KEY, check, taking, totals
from campaigns.attribution.models.markov import effects
from campaigns.attribution.spend import Spend, costs
from campaigns.attribution.steps import joined
from campaigns.attribution.values import MILLIONTH, Credit, Journeys
from campaigns.models import Goal

# Of campaigns, which may be many hundreds, only the models that take any number at once.
OF_CAMPAIGNS = ("first", "last", "last_non_direct", "linear", "position", "time_decay", "markov")
NO_CAMPAIGN = Named(0, "No campaign")
NO_TOUCHPOINT = "No touchpoint known"


@dataclass(frozen=True)
class Share:
    """What a model gives to one row. `value` in the goal's currency; `error`: half a 95 % interval, where it samples."""

    conversions: float
    value: float
    error: float | None = None


@dataclass(frozen=True)
class Row:
    """A channel, or a campaign. `id` None: conversions without any touchpoint ('No touchpoint known').

    `journeys`, `conversions`: how many journeys it is in, and how many of those converted; `value` of these conversions.
    `alone`: conversions in which nothing else is. `view_through`: conversions in which it was seen, but never followed.
    `credit` by model's key. `without`: share of the conversions that would be lost without it, by the Markov model; always to
    be labelled so. `line`: conversions it is in, by bucket of the table. `cost`: of the days asked for, None where none is
    known.
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
        share = self.credit.get(model)
        if self.cost is None or share is None or share.conversions <= 0:
            return None
        return self.cost / share.conversions

    def on_spend(self, model: str) -> float | None:
        """Value per unit of cost by a model (return on ad spend); None without cost."""
        share = self.credit.get(model)
        return share.value / self.cost if self.cost and share else None

    def margin(self, model: str) -> float | None:
        """What is left of the value by a model: its margin less the cost. None without cost."""
        share = self.credit.get(model)
        return share.value * self.margin_share - self.cost if self.cost is not None and share else None

    def range_of(self, what: str) -> tuple[float, float] | None:
        """Lowest and highest over the models of 'conversions', 'value', 'per_order', 'on_spend' or 'margin': the honest
        range. None where no model has a figure."""
        if what in ("conversions", "value"):
            found = [getattr(share, what) for share in self.credit.values()]
        else:
            figures = [getattr(self, what)(model) for model in self.credit]
            found = [figure for figure in figures if figure is not None]
        return (min(found), max(found)) if found else None


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
        return next((row for row in self.rows if row.id == id), None)

    def adds_up(self) -> bool:
        """Whether every model's credit makes up the conversions and their value (to a millionth of them). Not where rows
        are of one channel only."""
        return all(
            abs(sum(getattr(row.credit[model], what) for row in (*self.rows, self.none)) - total) <= 1e-6 * max(1.0, abs(total))
            for model, _ in self.models
            for what, total in (("conversions", self.conversions), ("value", self.value))
        )  # fmt: skip


def channel_table(filters: Filters) -> Table:
    """Cost at a million journeys: see docs/benchmarks.md; nothing where the last answers have it."""
    return _table(load.ask(filters), campaigns=False, channel=None)


def campaign_table(filters: Filters, channel: int | None = None) -> Table:
    """The same by campaign, of one channel's or all; touches without a campaign are in a row of their own (id 0). Only
    the models that take any number of them (`OF_CAMPAIGNS`)."""
    return _table(load.ask(filters), campaigns=True, channel=channel)


def _table(question: Question, *, campaigns: bool, channel: int | None) -> Table:
    goal = Goal.objects.get(pk=question.filters.goal)
    made = question.answered(("figures", campaigns), lambda: _figures(question, campaigns))
    return made.table(question, goal, channel)


@dataclass(frozen=True)
class _Figures:
    """All that comes of journeys, by place: what is kept. Names, cost and margin are put to it when asked. `without`: share
    of all conversions, also those that no touchpoint is known of."""

    axis: Axis
    counted: Counted
    credits: Mapping[str, Credit]
    without: np.ndarray

    @property
    def nbytes(self) -> int:
        return self.counted.nbytes + 24 * self.axis.count * len(self.credits)

    def table(self, question: Question, goal: Goal, channel: int | None) -> Table:
        filters, counted = question.filters, self.counted
        spent = costs(filters.since, filters.until, goal.currency)
        starts = buckets(filters.since, filters.until, filters.bucket)
        which = _bucketed(counted.days, starts, filters.bucket)
        names = (*question.directory.campaigns, NO_CAMPAIGN) if self.axis.campaigns else question.directory.channels
        by_id = spent.campaigns if self.axis.campaigns else spent.channels
        lines = _by_bucket(counted.line, which, len(starts))
        margin = float(goal.margin)
        rows = [
            self._row(
                place, one, question, by_id.get(one.id), lines[:, place], margin if one.margin is None else one.margin
            )
            for place, one in enumerate(names)
        ]
        shown = [row for row in rows if row.journeys or row.view_through or row.cost is not None]
        if channel is not None:
            shown = [row for row in shown if row.channel == channel]
        shown.sort(key=lambda row: (-row.credit["last"].conversions, -row.journeys, row.name.lower()))
        return Table(
            filters, tuple(shown), self._none(which, len(starts)),
            tuple((key, BY_KEY[key].name) for key in self.credits),
            int(counted.totals[0]), int(counted.conversions.sum()), int(counted.value.sum()) / MILLIONTH,
            int(counted.back.sum()) / MILLIONTH, int(counted.totals[1]), int(counted.totals[2]), goal.currency,
            filters.bucket, tuple(starts),
            tuple(_by_bucket(counted.conversions, which, len(starts)).tolist()),
            tuple((_by_bucket(counted.value, which, len(starts)) / MILLIONTH).tolist()),
            spent.total, spent.other, question.waiting,
        )  # fmt: skip

    def _row(
        self, place: int, one: Named, question: Question, spend: Spend | None, line: np.ndarray, margin: float
    ) -> Row:
        channels = question.directory.channels
        journeys, conversions, value, alone, seen = self.counted.present[:, place]
        return Row(
            one.id, one.name, one.hue, one.paid, int(journeys), int(conversions), int(value) / MILLIONTH,
            int(alone), int(seen),
            {key: _share(credit, place) for key, credit in self.credits.items()}, float(self.without[place]),
            tuple(line.tolist()),
            None if spend is None else spend.amount, None if spend is None else spend.impressions,
            None if spend is None else spend.clicks, margin, channels[one.channel].id if one.channel >= 0 else None,
        )  # fmt: skip

    def _none(self, which: np.ndarray, count: int) -> Row:
        *_, journeys, conversions, value = self.counted.totals.tolist()
        credit = {key: Share(one.none_conversions, one.none_value) for key, one in self.credits.items()}
        touched = _by_bucket(self.counted.touched, which, count)
        line = _by_bucket(self.counted.conversions, which, count) - touched
        return Row(
            None, NO_TOUCHPOINT, 0, False, journeys, conversions, value / MILLIONTH, conversions, 0, credit,
            None, tuple(line.tolist()),
        )  # fmt: skip


def _share(credit: Credit, place: int) -> Share:
    error = None if credit.error is None else float(credit.error[place])
    return Share(float(credit.conversions[place]), float(credit.value[place]), error)


def _figures(question: Question, campaigns: bool) -> _Figures:
    axis = Axis.asked(question, campaigns)
    counted = count(question, axis)
    whole = as_journeys(counted, question.directory.direct)
    credits, without = _credits(counted, whole, axis)
    for key, credit in credits.items():
        check(key, credit, whole)
    _, known, _ = counted.steps.worth.tolist()
    return _Figures(
        axis, replace(counted, steps=joined([], axis.count, 1)), credits, without * known / max(totals(whole)[0], 1)
    )


def _credits(counted: Counted, whole: Journeys, axis: Axis) -> tuple[dict[str, Credit], np.ndarray]:
    """By every model that takes as many places as there are in the journeys; and what the chain of order 1 loses without
    each, as a share of the conversions with a touchpoint."""
    chains = {order: counted.steps.chain(order) for order in range(1, axis.order + 1)}
    found = {}
    for model in taking(len(chains[1].places)):
        if axis.campaigns and model.key not in OF_CAMPAIGNS:
            continue
        order, credit = WALKING.get(model.key, (0, None))
        if credit is None:
            found[model.key] = counted.rules[model.key]
        elif order <= axis.order:
            found[model.key] = credit(whole, chains[order], axis.count)
    return found, effects(chains[1], axis.count)


def _bucketed(days: np.ndarray, starts: Sequence[date], bucket: str) -> np.ndarray:
    """For each day its bucket's place."""
    places = {start: place for place, start in enumerate(starts)}
    return np.array([places[bucket_of(load.EPOCH + timedelta(days=day), bucket)] for day in days.tolist()], np.int64)


def _by_bucket(column: np.ndarray, which: np.ndarray, count: int) -> np.ndarray:
    found = np.zeros((count, *column.shape[1:]), np.int64)
    np.add.at(found, which, column)
    return found
