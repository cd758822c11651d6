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


def precision(curve: Sequence[Sequence[float]], asks: float, joins: float) -> dict[str, Any]:
    """How many pairs there are above a threshold, and what share of them is estimated to be one person's; both thresholds
    that are set, as lines. `curve`: (threshold, pairs, share)."""
    at = [f"{100 * threshold:g} %" for threshold, _, _ in curve]

    def line(threshold: float, word: str) -> dict[str, Any]:
        place = sum(one < threshold - 1e-9 for one, _, _ in curve)
        return {"x": min(place, len(at) - 1), "text": word}

    marks = [line(asks, "asks"), line(joins, "joins")]
    return {
        "data": [
            {"type": "bar", "name": "pairs", "x": at, "y": [number for _, number, _ in curve], "yaxis": "y2",
             "marker": {"color": "--accent-wash"}, "hovertemplate": "%{y:,} pairs"},
            {"type": "scatter", "mode": "lines+markers", "name": "precision", "x": at, "y": [share for _, _, share in curve],
             "line": {"color": "--accent", "width": 2}, "hovertemplate": "%{y:.1%} are one person"},
        ],
        "layout": layout(
            xaxis={**_AXIS, "type": "category", "title": {"text": "threshold"}},
            yaxis={**_VALUES, "rangemode": "normal", "tickformat": ".0%", "overlaying": "y2",
                   "range": [min([0.9, *(share for _, _, share in curve)]) - 0.02, 1.005]},
            yaxis2={**_AXIS, "side": "right", "tickformat": ",", "rangemode": "tozero"},
            margin={"l": 48, "r": 48, "t": 22, "b": 48},
            shapes=[{"type": "line", "x0": mark["x"], "x1": mark["x"], "y0": 0, "y1": 1, "yref": "paper",
                     "line": {"color": "--line-strong", "dash": "dot", "width": 1}} for mark in marks],
            annotations=[{"x": mark["x"], "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False, "text": mark["text"]}
                         for mark in marks],
        ),
    }  # fmt: skip


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
