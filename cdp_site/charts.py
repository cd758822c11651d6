"""Plotly figures as plain values, in one look. Colours are names of tokens; static/charts.js puts the theme's in."""

from collections.abc import Sequence
from datetime import datetime
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
    """A segment's size as a line; below it who came (up) and went (down), where anybody did."""
    line = {
        "type": "scatter", "mode": "lines", "name": "members", "x": times, "y": sizes, "hovertemplate": "%{y:,}",
        "line": {"color": "--accent", "width": 2, "shape": "hv"}, "fill": "tozeroy", "fillcolor": "--accent-wash",
    }  # fmt: skip
    axis = {**_AXIS, "range": [times[0], times[-1]]} if times else _AXIS
    if not any(entered) and not any(left):
        return {"data": [line], "layout": layout(xaxis=axis)}
    begins, wide, came, went = _bars(times, entered, left)
    # Given a width of its own: Plotly's would be that of the shortest gap, and now is seconds after a full hour.
    flow = {"type": "bar", "x": begins, "width": wide, "offset": 0, "yaxis": "y2", "hovertemplate": "%{y:,}"}
    return {
        "data": [
            line,
            {**flow, "name": "entered", "y": came, "marker": {"color": "--good"}},
            {**flow, "name": "left", "y": [-number for number in went], "marker": {"color": "--bad"}},
        ],
        "layout": layout(
            barmode="relative",
            xaxis={**axis, "anchor": "y2"},
            yaxis={**_VALUES, "domain": [0.34, 1]},
            yaxis2={**_AXIS, "domain": [0, 0.24], "nticks": 4, "tickformat": ",", "zeroline": True,
                    "zerolinecolor": "--line-strong"},
        ),
    }  # fmt: skip


_HOUR = 3_600_000  # milliseconds, as Plotly counts
_HOURS_SHOWN = 72


def _bars(
    times: Sequence[str], entered: Sequence[int], left: Sequence[int]
) -> tuple[list[str], int, list[int], list[int]]:
    """Where bars begin, how wide they are, who came and who went: an hour each, or a day where hours were hairlines."""
    spread = datetime.fromisoformat(times[-1]) - datetime.fromisoformat(times[0])
    by_day = spread.total_seconds() > _HOURS_SHOWN * 3600
    sums: dict[str, tuple[int, int]] = {}
    for time, more, fewer in zip(times, entered, left, strict=True):
        begin = time[:10] if by_day else time
        came, went = sums.get(begin, (0, 0))
        sums[begin] = came + more, went + fewer
    wide = _HOUR * 24 if by_day else _HOUR
    return list(sums), wide, [came for came, _ in sums.values()], [went for _, went in sums.values()]
