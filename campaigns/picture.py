"""Pictures of a campaign and of what left-out people saved, as plain values (`cdp_site.charts`)."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from campaigns.saved import Day
from cdp_site.charts import layout

_AXIS = {"showgrid": False, "zeroline": False, "linecolor": "--hairline", "tickcolor": "--hairline", "fixedrange": True}
_VALUES = {**_AXIS, "showgrid": True, "gridcolor": "--hairline", "rangemode": "tozero", "tickformat": ",", "nticks": 4,
           "linecolor": "rgba(0,0,0,0)"}  # fmt: skip


def cost_and_orders(
    starts: Sequence[date], cost: Sequence[float], orders: Sequence[int], currency: str, unit: str
) -> dict[str, Any]:
    """Above: conversions that the campaign was in; below: what it cost. Two axes, one under the other."""
    days = [one.isoformat() for one in starts]
    return {
        "data": [
            {"type": "scatter", "mode": "lines", "name": f"{unit} it was in", "x": days, "y": list(orders),
             "line": {"color": "--accent", "width": 2}, "hovertemplate": "%{y:,} " + unit, "fill": "tozeroy",
             "fillcolor": "--accent-wash"},
            {"type": "bar", "name": "cost", "x": days, "y": [round(one, 2) for one in cost], "yaxis": "y2",
             "marker": {"color": "--line-strong"}, "hovertemplate": "%{y:,.0f} " + currency},
        ],
        "layout": layout(
            xaxis={**_AXIS, "anchor": "y2"},
            yaxis={**_VALUES, "domain": [0.45, 1], "title": {"text": unit}},
            yaxis2={**_VALUES, "domain": [0, 0.35], "title": {"text": currency}},
            margin={"l": 60, "r": 12, "t": 8, "b": 40},
        ),
    }  # fmt: skip


def left_out(days: Sequence[Day]) -> dict[str, Any]:
    """How many an audience had, and on top of them those whom it was spared."""
    x = [one.day.isoformat() for one in days]
    return {
        "data": [
            {"type": "bar", "name": "advertised to", "x": x, "y": [one.reached for one in days],
             "marker": {"color": "--line-strong"}, "hovertemplate": "%{y:,} advertised to"},
            {"type": "bar", "name": "left out", "x": x, "y": [one.left_out for one in days],
             "marker": {"color": "--good"}, "hovertemplate": "%{y:,} left out"},
        ],
        "layout": layout(barmode="stack", xaxis={**_AXIS, "type": "category"}, height=200),
    }  # fmt: skip
