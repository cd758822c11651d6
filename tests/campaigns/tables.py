"""Tables of channels made by hand, for what is said and drawn of them: no database, no models."""

from collections.abc import Mapping
from datetime import date

from campaigns.attribution.filters import Filters
from campaigns.attribution.numbers import Row, Share, Table

MODELS = (("first", "First touch"), ("last", "Last touch"), ("markov", "Markov"))


def channel(
    id: int | None, name: str, credit: Mapping[str, float], *, conversions: int = 0, cost: float | None = None,
    without: float | None = 0.1, margin: float = 1.0, worth: float = 50.0, hue: int = 200,
) -> Row:  # fmt: skip
    """A channel that is in `conversions` of the journeys; each conversion is worth `worth`."""
    shares = {key: Share(number, number * worth) for key, number in credit.items()}
    return Row(
        id, name, hue, cost is not None, conversions * 2, conversions, conversions * worth, 0, 0, shares, without,
        (1, 2, 3), cost, margin_share=margin,
    )  # fmt: skip


def table(*rows: Row, none: float = 0.0, conversions: int = 100, worth: float = 50.0) -> Table:
    """November's table; `none` conversions have no touchpoint."""
    nobody = channel(None, "No touchpoint known", dict.fromkeys(("first", "last", "markov"), none), without=None)
    costs = [row.cost for row in rows if row.cost is not None]
    return Table(
        Filters(1, date(2026, 11, 1), date(2026, 11, 30)), rows, nobody, MODELS, conversions * 2, conversions,
        conversions * worth, 0.0, conversions // 2, 0, "EUR", "day", (date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)),
        (30, 30, 40), (1500.0, 1500.0, 2000.0), sum(costs) if costs else None, (), 0,
    )  # fmt: skip


def november() -> Table:
    """E-mail closes, Search opens, Display stands by and costs more than it brings."""
    return table(
        channel(11, "Paid Search", {"first": 60, "last": 30, "markov": 45}, conversions=70, cost=500, without=0.5),
        channel(12, "E-mail", {"first": 8, "last": 48, "markov": 30}, conversions=55, without=0.3),
        channel(13, "Display", {"first": 22, "last": 12, "markov": 15}, conversions=38, cost=4000, without=0.02),
        none=10,
    )
