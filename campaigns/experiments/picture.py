"""The arms' differences from the control as a picture: a dot with its 95 % interval each, and the line of no difference."""

from collections.abc import Sequence
from typing import Any

from campaigns.experiments.results import ArmResult
from cdp_site.charts import layout


def differences(arms: Sequence[ArmResult]) -> dict[str, Any] | None:
    """A Plotly figure of the differences of rates, in points; None where there is nothing to compare."""
    compared = [(one, one.rate) for one in arms if one.rate is not None]
    if not compared:
        return None
    names = [one.arm.name if len(one.arm.name) <= 40 else f"{one.arm.name[:39]}…" for one, _ in compared]
    points = [100 * rate.estimate for _, rate in compared]
    hover = [
        f"{one.arm.name}: {100 * rate.estimate:+.2f} points, between {100 * rate.low:+.2f} and {100 * rate.high:+.2f}"
        for one, rate in compared
    ]
    dots = {
        "type": "scatter", "mode": "markers", "x": points, "y": names, "text": hover, "hovertemplate": "%{text}<extra></extra>",
        "marker": {"color": "--accent", "size": 11},
        "error_x": {
            "type": "data", "symmetric": False, "color": "--accent", "thickness": 2, "width": 6,
            "array": [100 * (rate.high - rate.estimate) for _, rate in compared],
            "arrayminus": [100 * (rate.estimate - rate.low) for _, rate in compared],
        },
    }  # fmt: skip
    widest = max([*(abs(100 * rate.low) for _, rate in compared), *(abs(100 * rate.high) for _, rate in compared), 0.1])
    axis = {
        "zeroline": True, "zerolinecolor": "--ink-faint", "zerolinewidth": 1, "showgrid": True, "gridcolor": "--hairline",
        "linecolor": "--hairline", "fixedrange": True, "ticksuffix": " pt", "tickformat": "+~g",
        "range": [min(-0.25 * widest, *(110 * rate.low for _, rate in compared)),
                  max(0.25 * widest, *(110 * rate.high for _, rate in compared))],
    }  # fmt: skip
    named = {
        "automargin": True,
        "fixedrange": True,
        "linecolor": "rgba(0,0,0,0)",
        "autorange": "reversed",
        "type": "category",
    }
    return {
        "data": [dots],
        "layout": layout(height=90 + 44 * len(compared), hovermode="closest", xaxis=axis, yaxis=named),
    }
