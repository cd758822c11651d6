"""Plotly figures as plain values, in one look. Colours are names of tokens; static/charts.js puts the theme's in."""

from collections.abc import Sequence
from typing import Any

_AXIS = {"showgrid": False, "zeroline": False, "linecolor": "--hairline", "tickcolor": "--hairline", "fixedrange": True}
_VALUES = {**_AXIS, "showgrid": True, "gridcolor": "--hairline", "rangemode": "tozero", "tickformat": ","}


def layout(**more: Any) -> dict[str, Any]:
    """No frame, a light grid, the product's type; hover that reads along one moment."""
    return {
        "height": 270,
        "margin": {"l": 44, "r": 12, "t": 8, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": "--ink-soft"},
        "showlegend": False,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "--raised", "bordercolor": "--hairline", "font": {"color": "--ink"}},
        "xaxis": _AXIS,
        "yaxis": {**_VALUES, "linecolor": "rgba(0,0,0,0)"},
        **more,
    }


def size_over_time(
    times: Sequence[str], sizes: Sequence[int], entered: Sequence[int], left: Sequence[int]
) -> dict[str, Any]:
    """A segment's size as a line; below it who came (up) and went (down)."""
    flow = {"type": "bar", "x": times, "yaxis": "y2", "hovertemplate": "%{y:,}"}
    return {
        "data": [
            {
                "type": "scatter", "mode": "lines", "name": "members", "x": times, "y": sizes, "hovertemplate": "%{y:,}",
                "line": {"color": "--accent", "width": 2, "shape": "hv"}, "fill": "tozeroy", "fillcolor": "--accent-wash",
            },
            {**flow, "name": "entered", "y": entered, "marker": {"color": "--good"}},
            {**flow, "name": "left", "y": [-number for number in left], "marker": {"color": "--bad"}},
        ],
        "layout": layout(
            barmode="relative",
            xaxis={**_AXIS, "anchor": "y2"},
            yaxis={**_VALUES, "domain": [0.34, 1]},
            yaxis2={**_AXIS, "domain": [0, 0.24], "nticks": 4, "tickformat": ",", "zeroline": True,
                    "zerolinecolor": "--line-strong"},
        ),
    }  # fmt: skip
