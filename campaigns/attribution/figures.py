"""The pictures of attribution's pages as Plotly figures: plain values in, plain values out.

A channel has its hue on each of them ("hue:200", painted by static/charts.js), and a mark that stands for people leads to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

from campaigns.attribution.contributes import LITTLE
from cdp_site.charts import layout

_PLAIN = {
    "showgrid": False,
    "zeroline": False,
    "linecolor": "--hairline",
    "tickcolor": "--hairline",
    "fixedrange": True,
}
_GRID = {**_PLAIN, "showgrid": True, "gridcolor": "--hairline", "linecolor": "rgba(0,0,0,0)"}
_ROW = 34  # pixels a channel has in a list of them
_LONGEST = 22  # characters of a name beside a picture


@dataclass(frozen=True)
class Mark:
    """What a picture shows of: its name, its hue, and the address of the people behind it."""

    name: str
    hue: int
    address: str = ""
    colour: str = ""  # a token's name, for what has no hue

    def painted(self, covers: float = 1) -> str:
        """Its colour; `covers`: how much of what is below it."""
        if self.colour:
            return self.colour if covers == 1 else "--hairline"
        return f"hue:{self.hue}" if covers == 1 else f"hue:{self.hue}/{covers:g}"


def over_time(days: Sequence[str], values: Sequence[float], name: str, unit: str) -> dict[str, Any]:
    """Conversions (or their value) by day or week: an area."""
    return {
        "data": [{
            "type": "scatter", "mode": "lines", "name": name, "x": list(days), "y": list(values), "fill": "tozeroy",
            "fillcolor": "--accent-wash", "line": {"color": "--accent", "width": 2},
            "hovertemplate": f"%{{y:,.0f}} {unit}<extra></extra>",
        }],
        "layout": layout(height=190, margin={"l": 44, "r": 12, "t": 8, "b": 38}),
    }  # fmt: skip


# One for each model, told apart by form as much as by shade.
_SYMBOLS = ("circle-open", "square-open", "diamond-open", "triangle-up-open", "triangle-down-open", "cross-thin-open",
            "x-thin-open", "star-open", "hexagon-open", "pentagon-open", "bowtie-open")  # fmt: skip


def models_compared(
    marks: Sequence[Mark],
    models: Sequence[str],
    shares: Sequence[Sequence[float]],
    chosen: int,
    total: float,
    unit: str,
) -> dict[str, Any]:
    """A row a channel, a dot a model, the span between them as a line. `shares[model][channel]`: 0 to 1 of `total` units;
    the `chosen` model's dot is filled with the channel's hue. The largest channel stands on top."""
    places = list(range(len(marks)))[::-1]
    names = [_cut(marks[place].name) for place in places]
    spans = [
        {
            "type": "scatter", "mode": "lines", "x": [min(of), max(of)], "y": [name, name], "hoverinfo": "skip",
            "line": {"color": f"hue:{marks[place].hue}/0.35", "width": 6}, "showlegend": False,
        }
        for place, name in zip(places, names, strict=True)
        if (of := [one[place] for one in shares])
    ]  # fmt: skip
    dots: list[dict[str, Any]] = []
    for number, model in enumerate(models):
        given = shares[number]
        picked = number == chosen
        dots.append({
            "type": "scatter", "mode": "markers", "name": model, "y": names, "x": [given[place] for place in places],
            "cliponaxis": False,
            "customdata": [marks[place].address for place in places],
            "text": [f"{given[place] * total:,.0f}" for place in places],
            "marker": {
                "symbol": "circle" if picked else _SYMBOLS[number % len(_SYMBOLS)], "size": 12 if picked else 9,
                "color": "--accent" if picked else "--ink-soft", "line": {"width": 1.5},
            },
            "hovertemplate": f"<b>{model}</b> gives %{{y}} %{{x:.1%}}: %{{text}} {unit}<extra></extra>",
        })  # fmt: skip
    dots.append(dots.pop(chosen))  # on top of the others
    return {
        "data": [*spans, *dots],
        "layout": layout(
            height=76 + _ROW * len(marks) + 24 * -(-len(models) // 4),
            hovermode="closest", showlegend=True,
            legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "font": {"size": 12}, "itemclick": False,
                    "itemdoubleclick": False, "traceorder": "normal"},
            margin={"l": 8, "r": 16, "t": 24 * -(-len(models) // 4) + 12, "b": 36},
            xaxis={**_GRID, "tickformat": ".0%", "rangemode": "tozero", "side": "bottom"},
            yaxis={**_GRID, "type": "category", "automargin": True, "griddash": "dot", "ticksuffix": " "},
        ),
        "narrow": {
            "height": 76 + _ROW * len(marks) + 20 * -(-len(models) // 2),
            "margin": {"l": 4, "r": 8, "t": 20 * -(-len(models) // 2) + 8, "b": 30},
            "legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "x": -0.42, "font": {"size": 11}, "entrywidth": 104},
        },
    }  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """Where something stands: presence (share of all journeys that it is in), and what would be lost without it by the Markov
    model, both 0 to 1; `measured`: share of the conversions of those who got it that an experiment says were added, with
    its interval. `sentence` goes on after the name; `verdict`: campaigns.attribution.contributes.Verdict."""

    mark: Mark
    present: float
    lost: float
    measured: tuple[float, float, float] | None = None
    sentence: str = ""
    verdict: str = ""


def contributes(standings: Sequence[Standing], unit: str) -> dict[str, Any]:
    """Presence across, what would be lost up, both by multiples (logarithmic): on the upper line stands what would be missed
    as much as it is met, below the lower one, half as much, what mostly just appears. What an experiment measured is a
    diamond with its interval on the same upright. Nothing at all stands at the foot."""
    shares = [share for one in standings for share in (one.present, one.lost, *(one.measured or ())) if share > 0.001]
    low, top = min([0.01, *shares]) * 0.7, min(max([0.05, *shares]) * 1.5, 1.2)
    xs, ys = [max(one.present, low) for one in standings], [max(one.lost, low) for one in standings]
    data: list[dict[str, Any]] = [
        *({"type": "scatter", "mode": "lines", "x": [low, top], "y": [low * times, top * times], "hoverinfo": "skip",
           "line": {"color": "--line-strong", "dash": "dot", "width": 1}} for times in (1, LITTLE)),
        {"type": "scatter", "mode": "markers+text", "x": xs, "y": ys, "text": [_cut(one.mark.name) for one in standings],
         "textposition": _sides([(_way(x, low, top), _way(y, low, top)) for x, y in zip(xs, ys, strict=True)],
                                [_cut(one.mark.name) for one in standings]),
         "textfont": {"color": "--ink", "size": 12}, "customdata": [one.mark.address for one in standings],
         "hovertext": [_wrapped(one.mark.name + one.sentence) for one in standings],
         "hovertemplate": "%{hovertext}<extra></extra>", "cliponaxis": False,
         "marker": {"size": 12, "color": [one.mark.painted() for one in standings]}},
    ]  # fmt: skip
    measured = [
        (one, tuple(max(share, low) for share in one.measured)) for one in standings if one.measured is not None
    ]
    if measured:
        data.append({
            "type": "scatter", "mode": "markers", "x": [max(one.present, low) for one, _ in measured],
            "y": [share for _, (share, _, _) in measured],
            "error_y": {"type": "data", "symmetric": False, "array": [high - share for _, (share, _, high) in measured],
                        "arrayminus": [share - least for _, (share, least, _) in measured], "color": "--ink",
                        "thickness": 1.5, "width": 4},
            "marker": {"symbol": "diamond", "size": 11, "color": "--ink"},
            "customdata": [one.mark.address for one, _ in measured],
            "hovertext": [_wrapped(one.mark.name + one.sentence) for one, _ in measured],
            "hovertemplate": "%{hovertext}<extra></extra>",
        })  # fmt: skip
    ticks = [tick for tick in _TICKS if low <= tick <= top]
    axis = {**_GRID, "type": "log", "automargin": True, "range": [log10(low), log10(top)], "tickvals": ticks,
            "ticktext": [f"{100 * tick:g} %" for tick in ticks]}  # fmt: skip
    words = {
        "showarrow": False,
        "xanchor": "right",
        "font": {"color": "--ink-faint", "size": 11},
        "x": log10(top) - 0.02,
    }
    return {
        "data": data,
        "layout": layout(
            height=430, hovermode="closest", margin={"l": 52, "r": 16, "t": 12, "b": 48},
            xaxis={**axis, "title": {"text": "in so much of all journeys"}},
            yaxis={**axis, "title": {"text": f"{unit} lost without it, by the Markov model"}},
            annotations=[
                {**words, "y": log10(top) - 0.02, "yanchor": "top", "text": "missed as much as it is met", "xshift": -14},
                {**words, "y": log10(top * LITTLE) - 0.05, "yanchor": "top", "text": "half as much"},
            ],
        ),
        "narrow": {"height": 320},
    }  # fmt: skip


_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def _way(value: float, low: float, top: float) -> float:
    """How far along a logarithmic axis a value stands, 0 to 1."""
    return (log10(value) - log10(low)) / (log10(top) - log10(low))


# Where a name may stand beside its dot, the best first; from the dot's middle to the name's, in pixels and name widths.
_PLACES = (
    ("middle right", 0.5, 10, 0), ("middle left", -0.5, -10, 0), ("top center", 0, 0, 16), ("bottom center", 0, 0, -16),
    ("top right", 0.5, 4, 14), ("bottom right", 0.5, 4, -14), ("top left", -0.5, -4, 14), ("bottom left", -0.5, -4, -14),
)  # fmt: skip
_WIDE, _TALL, _LETTER, _LINE = 540, 320, 6.7, 15  # pixels of the plot, of a letter, of a line


def _sides(places: Sequence[tuple[float, float]], names: Sequence[str]) -> list[str]:
    """Where each name stands beside its dot (0 to 1 across and up), so that as few as can be cover each other: one after
    another, each where it meets the fewest."""
    dots = [(across * _WIDE, up * _TALL) for across, up in places]
    taken = [(x - 7, y - 7, x + 7, y + 7) for x, y in dots]
    sides = []
    for name, (x, y) in zip(names, dots, strict=True):
        wide = len(name) * _LETTER
        boxes = [
            (side, _box(x + wide * share + right, y + up, wide)) for side, share, right, up in _PLACES
        ]  # fmt: skip
        side, box = min(boxes, key=lambda put: _met(put[1], taken))
        taken.append(box)
        sides.append(side)
    return sides


def _box(x: float, y: float, wide: float) -> tuple[float, float, float, float]:
    return x - wide / 2, y - _LINE / 2, x + wide / 2, y + _LINE / 2


def _met(box: tuple[float, float, float, float], taken: Sequence[tuple[float, float, float, float]]) -> float:
    """How much of other marks and names it covers, and how far it hangs out of the picture."""
    covered = sum(
        max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
        * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        for other in taken
    )
    return covered + 20 * (max(0.0, box[2] - _WIDE) + max(0.0, -box[0]) + max(0.0, -box[1]))


@dataclass(frozen=True)
class Stream:
    """How many journeys went from one place of `Node`s to another."""

    source: int
    target: int
    journeys: int
    address: str = ""


def flow(nodes: Sequence[Mark], columns: Sequence[float], streams: Sequence[Stream]) -> dict[str, Any]:
    """Steps of journeys from left to right; `columns`: where each node stands across, 0 to 1."""
    heights = _heights(columns, streams)
    return {
        "data": [{
            # A node that can be dragged takes no click.
            "type": "sankey", "arrangement": "fixed",
            "node": {
                "label": [_cut(one.name) for one in nodes], "color": [one.painted() for one in nodes],
                "customdata": [one.address for one in nodes], "pad": 20, "thickness": 12, "line": {"width": 0},
                "hovertemplate": "%{value:,} journeys: %{label}<extra></extra>",
                "x": [min(max(one, 0.001), 0.999) for one in columns], "y": heights,
            },
            "link": {
                "source": [one.source for one in streams], "target": [one.target for one in streams],
                "value": [one.journeys for one in streams], "customdata": [one.address for one in streams],
                "color": [nodes[one.source].painted(0.25) for one in streams],
                "hovertemplate": "%{value:,} journeys: %{source.label}, then %{target.label}<extra></extra>",
            },
        }],
        "layout": layout(height=420, margin={"l": 8, "r": 8, "t": 28, "b": 12}, hovermode="closest",
                         font={"family": "system-ui, sans-serif", "size": 12, "color": "--ink"}),
    }  # fmt: skip


def _heights(columns: Sequence[float], streams: Sequence[Stream]) -> list[float]:
    """Where each node's middle stands, from the top: those of a column below each other in their order, by their size."""
    sizes = [
        max(
            sum(one.journeys for one in streams if one.source == place),
            sum(one.journeys for one in streams if one.target == place),
        )
        for place in range(len(columns))
    ]
    whole = max(
        (sum(s for s, c in zip(sizes, columns, strict=True) if c == column) for column in set(columns)), default=0
    )
    below = dict.fromkeys(columns, 0.0)
    heights = []
    for size, column in zip(sizes, columns, strict=True):
        # As much of the height as plotly gives it with so wide gaps; at least the height of its name.
        share = max(0.62 * size / (whole or 1), 0.04)
        heights.append(min(max(below[column] + share / 2, 0.001), 0.999))
        below[column] += share + 0.025
    return heights


def histogram(
    labels: Sequence[str], counts: Sequence[int], words: Sequence[str], addresses: Sequence[str] = (), title: str = ""
) -> dict[str, Any]:
    """Bars side by side, each with its sentence on hover."""
    bars: dict[str, Any] = {
        "type": "bar", "x": list(labels), "y": list(counts), "hovertext": list(words), "marker": {"color": "--accent"},
        "hovertemplate": "%{hovertext}<extra></extra>",
    }  # fmt: skip
    if addresses:
        bars["customdata"] = list(addresses)
    return {
        "data": [bars],
        "layout": layout(height=220, hovermode="closest", bargap=0.18, margin={"l": 44, "r": 8, "t": 8, "b": 36},
                         xaxis={**_PLAIN, "type": "category", "title": {"text": title, "standoff": 8}, "automargin": True}),
    }  # fmt: skip


def lifetimes(
    marks: Sequence[Mark], months: int, values: Sequence[Sequence[float | None]], currency: str
) -> dict[str, Any]:
    """Value per person since the first touchpoint, a line a first channel, its name at the line's end."""
    data = []
    for mark, of in zip(marks, values, strict=True):
        known = [(month, value) for month, value in enumerate(of) if value is not None]
        data.append({
            "type": "scatter", "mode": "lines+markers", "name": mark.name, "x": [month for month, _ in known],
            "y": [value for _, value in known], "line": {"color": f"hue:{mark.hue}", "width": 2}, "marker": {"size": 5},
            "hovertemplate": f"{mark.name}: %{{y:,.0f}} {currency} a person after %{{x}} months<extra></extra>",
        })  # fmt: skip
    ends = [
        {"x": known[-1][0], "y": known[-1][1], "text": _cut(mark.name), "xanchor": "left", "xshift": 6, "showarrow": False,
         "font": {"color": "--ink", "size": 12}}
        for mark, of in zip(marks, values, strict=True)
        if (known := [(month, value) for month, value in enumerate(of) if value is not None])
    ]  # fmt: skip
    crowded = len(marks) > 4
    return {
        "data": data,
        "layout": layout(
            height=320, hovermode="closest", showlegend=crowded, annotations=[] if crowded else ends,
            legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            margin={"l": 56, "r": 16 if crowded else 120, "t": 8, "b": 40},
            xaxis={**_PLAIN, "range": [-0.2, max(months, 1) + 0.2], "title": {"text": "months since their first touchpoint"},
                   "dtick": max(1, months // 12)},
            yaxis={**_GRID, "rangemode": "tozero", "tickformat": ",", "ticksuffix": f" {currency}", "automargin": True},
        ),
    }  # fmt: skip


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _wrapped(sentence: str, width: int = 46) -> str:
    """With a break where a hover would be too wide."""
    lines, line = [], ""
    for word in sentence.replace("<", "&lt;").split():
        if line and len(line) + len(word) >= width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return "<br>".join([*lines, line])
