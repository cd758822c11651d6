"""What a colleague would say of a dashboard: one sentence on top, and which channel brings back less than it cost. Pure."""

from collections.abc import Sequence

from campaigns.attribution.channel_table import BUILT_IN
from campaigns.attribution.cohorts import Cohorts
from campaigns.attribution.contributes import AS_MUCH, percent
from campaigns.attribution.numbers import Row, Table
from campaigns.attribution.paths import Paths

FIRST, LAST = "first", "last"  # keys of models
# A channel opens more than it closes (or the other way round) from so many points on.
LEANS = 0.03
FEW = 20  # conversions below which nothing is said of single channels
MANY = 100  # people below whom nothing is said of a cohort
OFTEN = 0.05  # share of the journeys from which on something is often there


def told(table: Table, unit: str) -> str:
    """The sentence on top: who opens and who closes, and who is there more than would be missed."""
    if not table.conversions:
        return f"No {unit} in these days yet."
    if table.conversions < FEW or not table.rows:
        return f"{table.conversions:,} {unit} in these days: too few to say much of single channels."
    parts = [_leaning(table), _standing_by(table, unit)]
    said = "; ".join(part for part in parts if part) or _largest(table, unit)
    return f"{said}."


def _leaning(table: Table) -> str:
    leans = [
        (_share(row, LAST, table) - _share(row, FIRST, table), row)
        for row in table.rows
        if row.id and row.id not in BUILT_IN
    ]
    least, most = min(leans, key=lambda one: one[0], default=None), max(leans, key=lambda one: one[0], default=None)
    if most is not None and most[0] >= LEANS:
        few = _share(most[1], FIRST, table) < 0.15
        words = "starts few journeys but closes many" if few else "closes more journeys than it starts"
        return f"{most[1].name} {words} ({_both(most[1], table)})"
    if least is not None and least[0] <= -LEANS:
        return f"{least[1].name} starts more journeys than it closes ({_both(least[1], table)})"
    return ""


def _both(row: Row, table: Table) -> str:
    return f"starts {percent(_share(row, FIRST, table))}, closes {percent(_share(row, LAST, table))}"


def _standing_by(table: Table, unit: str) -> str:
    """Of those that are met often the one that would be missed least for it; nobody where all would be missed as much."""
    known = [
        (_there(row, table), row.without, row)
        for row in table.rows
        if row.id and row.id not in BUILT_IN and row.without is not None
    ]
    known = [one for one in known if one[0] >= OFTEN]
    there, lost, row = min(known, key=lambda one: one[1] / one[0], default=(0.0, 0.0, None))
    if row is None or lost >= AS_MUCH * there:
        return ""
    return (
        f"{row.name} is in {percent(there)} of journeys, and by the Markov model you’d lose {percent(lost)} of {unit} "
        "without it"
    )


def _there(row: Row, table: Table) -> float:
    return row.journeys / table.journeys if table.journeys else 0.0


def _largest(table: Table, unit: str) -> str:
    row = max(table.rows, key=lambda one: _share(one, LAST, table))
    return f"{row.name} was the last touchpoint of {percent(_share(row, LAST, table))} of {unit}"


def budget(table: Table) -> str:
    """Which channel brings back less than it cost, by how many models: what 'which one should lose budget?' asks.

    Money left: the margin of the value that a model gives, less the cost.
    """
    models = [key for key, _ in table.models]
    margins = [(row, [row.margin(key) for key in models]) for row in table.rows if row.cost]
    paying = [(row, [one for one in left if one is not None]) for row, left in margins]
    paying = [(row, left) for row, left in paying if left]
    if not paying:
        return ""
    losing = [(row, left) for row, left in paying if max(left) < 0]
    if losing:
        row, _ = min(losing, key=lambda one: max(one[1]))
        returned = row.range_of("on_spend") or (0.0, 0.0)
        others = _names([other.name for other, _ in losing if other is not row])
        also = f" {others} too." if others else ""
        return (
            f"By every model {row.name} brings back less than it costs: of {_money(row.cost, table.currency)} spent, "
            f"{_returned(returned, row.margin_share, table.currency)}.{also}"
        )
    torn = [(sum(one < 0 for one in left), row) for row, left in paying if min(left) < 0]
    if torn:
        count, row = max(torn, key=lambda one: (one[0], one[1].cost or 0))
        by = f"{row.name} does by {count} of {len(models)}"
        return f"No channel loses money by every model. {by}: an experiment would settle it."
    return "By every model each paid channel brings back more than it costs."


def _returned(sales: tuple[float, float], margin: float, currency: str) -> str:
    """What comes back for each unit spent: what is left of the sales after their margin, where that isn't all of them."""
    said = f"{_from_to(*sales)} {currency} of sales"
    if margin >= 1:
        return f"{said} for each {currency}"
    left = _from_to(sales[0] * margin, sales[1] * margin)
    return f"{left} {currency} for each {currency}, as its margin leaves {percent(margin)} of {said}"


def _from_to(low: float, high: float) -> str:
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"


def _share(row: Row, model: str, table: Table) -> float:
    found = row.credit.get(model)
    return found.conversions / table.conversions if found and table.conversions else 0.0


def _money(value: float | None, currency: str) -> str:
    return f"{value or 0:,.0f} {currency}"


def _names(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))


def change(now: float, then: float) -> str:
    """'12 % more', '3 % fewer', 'as many'."""
    moved = (now - then) / then
    if abs(moved) < 0.005:
        return "as much"
    return f"{abs(moved) * 100:.0f} % {'more' if moved > 0 else 'less'}"


def way(found: Paths, unit: str) -> str:
    """The paths' page in a sentence."""
    if not found.conversions or found.median_length is None or found.median_days is None:
        return f"No {unit} with a known touchpoint in these days yet."
    days = (
        f"{found.median_days:.0f} days"
        if found.median_days >= 1.5
        else "a day"
        if found.median_days >= 0.5
        else "hours"
    )
    touched = sum(one.conversions for one in found.lengths)
    single = next((one.conversions for one in found.lengths if one.low == 1 and one.high == 1), 0)
    needed = f"{percent(single / touched)} needed only one" if touched else ""
    if found.median_length > 1:
        needed = f"half needed {found.median_length:.0f} or fewer, {needed}"
    return f"Of the {unit} with a known touchpoint {needed}; half came within {days} of the first."


def worth(found: Cohorts) -> str:
    """The cohorts' page in a sentence."""
    known = [one for one in found.channels if one.people >= MANY and one.id]
    if len(known) < 2:
        return "What people have been worth since, by the channel that brought them first."
    best, least = max(known, key=lambda one: one.value), min(known, key=lambda one: one.value)
    return (
        f"People who came first by {best.name} have been worth {_money(best.value, found.currency)} each so far; "
        f"those by {least.name} {_money(least.value, found.currency)}."
    )
