"""The pictures of attribution's pages as Plotly figures: plain values in, plain values out.

A channel has its hue on each of them ("hue:200", painted by static/charts.js), and a mark that stands for people leads to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
        return self.colour or (f"hue:{self.hue}" if covers == 1 else f"hue:{self.hue}/{covers:g}")


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
    """Presence across, what would be lost up: below the diagonal stands what is mostly along for the ride. What an
    experiment measured is a diamond with its interval on the same upright."""
    top = max([0.05, *(max(one.present, one.lost, *(one.measured or ())) for one in standings)]) * 1.08
    low = min([0.0, *(one.measured[1] for one in standings if one.measured)])
    data: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "x": [0, top], "y": [0, top], "hoverinfo": "skip",
         "line": {"color": "--line-strong", "dash": "dot", "width": 1}},
        {"type": "scatter", "mode": "markers+text", "x": [one.present for one in standings],
         "y": [one.lost for one in standings], "text": [_cut(one.mark.name) for one in standings],
         "textposition": _sides(standings, low * 1.08, top), "textfont": {"color": "--ink", "size": 12},
         "customdata": [one.mark.address for one in standings],
         "hovertext": [_wrapped(one.mark.name + one.sentence) for one in standings],
         "hovertemplate": "%{hovertext}<extra></extra>", "cliponaxis": False,
         "marker": {"size": 12, "color": [f"hue:{one.mark.hue}" for one in standings]}},
    ]  # fmt: skip
    measured = [one for one in standings if one.measured is not None]
    if measured:
        shares = [one.measured or (0.0, 0.0, 0.0) for one in measured]
        data.append({
            "type": "scatter", "mode": "markers", "x": [one.present for one in measured], "y": [share for share, _, _ in shares],
            "error_y": {"type": "data", "symmetric": False, "array": [high - share for share, _, high in shares],
                        "arrayminus": [share - low for share, low, _ in shares], "color": "--ink", "thickness": 1.5, "width": 4},
            "marker": {"symbol": "diamond", "size": 11, "color": "--ink"},
            "customdata": [one.mark.address for one in measured],
            "hovertext": [_wrapped(one.mark.name + one.sentence) for one in measured],
            "hovertemplate": "%{hovertext}<extra></extra>",
        })  # fmt: skip
    axis = {**_GRID, "tickformat": ".0%", "automargin": True}
    return {
        "data": data,
        "layout": layout(
            height=430, hovermode="closest", margin={"l": 52, "r": 16, "t": 12, "b": 48},
            xaxis={**axis, "range": [0, top], "title": {"text": "in so much of all journeys"}},
            yaxis={**axis, "range": [low * 1.08, top], "title": {"text": f"{unit} lost without it, by the Markov model"}},
            annotations=[{"x": top * 0.98, "y": top * 0.99, "text": "as much as it is there", "showarrow": False,
                          "xanchor": "right", "yanchor": "top", "font": {"color": "--ink-faint", "size": 11}}],
        ),
        "narrow": {"height": 320},
    }  # fmt: skip


# Where a name may stand beside its dot, the best first; from the dot's middle to the name's, in pixels and name widths.
_PLACES = (
    ("middle right", 0.5, 10, 0), ("middle left", -0.5, -10, 0), ("top center", 0, 0, 16), ("bottom center", 0, 0, -16),
    ("top right", 0.5, 4, 14), ("bottom right", 0.5, 4, -14), ("top left", -0.5, -4, 14), ("bottom left", -0.5, -4, -14),
)  # fmt: skip
_WIDE, _TALL, _LETTER, _LINE = 540, 320, 6.7, 15  # pixels of the plot, of a letter, of a line


def _sides(standings: Sequence[Standing], low: float, top: float) -> list[str]:
    """Where each name stands beside its dot, so that as few as can be cover each other: one after another, each where it
    meets the fewest."""
    dots = [(one.present / top * _WIDE, (one.lost - low) / ((top - low) or 1) * _TALL) for one in standings]
    taken = [(x - 7, y - 7, x + 7, y + 7) for x, y in dots]
    sides = []
    for one, (x, y) in zip(standings, dots, strict=True):
        wide = len(_cut(one.mark.name)) * _LETTER
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
            "type": "sankey", "arrangement": "fixed" if len(nodes) > 60 else "snap",
            "node": {
                "label": [_cut(one.name) for one in nodes], "color": [one.painted() for one in nodes],
                "customdata": [one.address for one in nodes], "pad": 12, "thickness": 12, "line": {"width": 0},
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
        share = 0.8 * size / (whole or 1)
        heights.append(min(max(below[column] + share / 2, 0.001), 0.999))
        below[column] += share + 0.02
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
