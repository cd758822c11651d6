"""From answers to pictures: which marks there are, what they say, and whose people they lead to."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from campaigns.attribution import figures
from campaigns.attribution.board import NOTHING, Board, Line, people
from campaigns.attribution.cohorts import Cohort, Cohorts
from campaigns.attribution.contributes import Measured, sentence, verdict
from campaigns.attribution.figures import Mark, Standing, Stream
from campaigns.attribution.paths import CONVERTED, LOST, MORE, Bin, Link, Path, Paths, Stop
from campaigns.attribution.steps_clicked import OTHERS, Steps
from campaigns.attribution.which import Which

MOST_IN_PLOT = 14


def compared(shown: Board, unit: str) -> dict[str, Any]:
    """The dot plot of all models: the largest channels."""
    total = shown.table.conversions or 1
    keys = [key for key, _ in shown.table.models]
    lines = sorted(shown.lines, key=lambda line: -line.orders.high)[:MOST_IN_PLOT]
    shares = [[line.row.credit.get(key, NOTHING).conversions / total for line in lines] for key in keys]
    names = [name for _, name in shown.table.models]
    return figures.models_compared([line.mark for line in lines], names, shares, keys.index(shown.model), total, unit)


def standings(shown: Board, unit: str) -> list[Standing]:
    """Presence against what would be lost without it, of each channel of which that is known; the most present first."""
    known = [line for line in shown.lines if line.row.id is not None and line.row.without is not None and line.there]
    known.sort(key=lambda line: -line.there)
    return [_standing(line, unit) for line in known[:MOST_IN_PLOT]]


def _standing(line: Line, unit: str) -> Standing:
    measured = None
    if line.measured and line.measured.share and not line.measured.odd:
        share = line.measured.share
        measured = Measured(line.measured.experiment, share.estimate, share.low, share.high)
    lost = line.row.without or 0.0
    return Standing(
        line.mark, line.there, lost,
        None if measured is None else (measured.share, measured.low, measured.high),
        sentence(line.name, line.there, lost, unit, measured).removeprefix(line.name),
        verdict(line.there, lost, measured),
    )  # fmt: skip


MOST_IN_FLOW = 7
_ENDS = {CONVERTED: "--good", LOST: "--line-strong", MORE: "--hairline", OTHERS: "--ink-faint"}


def flow(found: Paths, query: str) -> dict[str, Any]:
    """The first steps of the journeys, then whether they led to a conversion. The largest channels by name, others together.
    Every node and stream leads to the people who went that way."""
    stops = found.flow.stops
    journeys: Counter[int] = Counter()
    for stop in stops:
        journeys[stop.id] += 0 if stop.id in _ENDS else stop.journeys
    largest = {id for id, _ in journeys.most_common(MOST_IN_FLOW)} - set(_ENDS)
    named, besides = largest | set(_ENDS), tuple(sorted(largest))
    places: dict[tuple[int, int], int] = {}
    nodes: list[Mark] = []
    columns: list[float] = []
    last = max(stop.step for stop in stops)
    # Others stand below those that have a name.
    for stop in sorted(stops, key=lambda one: (one.step, one.id not in named)):
        key = stop.step, stop.id if stop.id in named else OTHERS
        if key not in places:
            places[key] = len(nodes)
            other = key[1] == OTHERS
            nodes.append(
                Mark(
                    "Other channels" if other else stop.name, stop.hue, people(query, through(key, besides)),
                    _ENDS.get(key[1], ""),
                )
            )  # fmt: skip
            columns.append(stop.step / (last or 1))
    of = [(stop.step, stop.id if stop.id in named else OTHERS) for stop in stops]
    streams: Counter[tuple[Node, Node]] = Counter()
    for link in found.flow.links:
        streams[of[link.source], of[link.target]] += link.journeys
    return figures.flow(
        nodes, columns,
        [
            Stream(places[source], places[target], number, people(query, between(source, target, besides)))
            for (source, target), number in streams.items()
        ],
    )  # fmt: skip


Node = tuple[int, int]  # (step, channel's id or an end's), as in `Stop`


def through(node: Node, besides: tuple[int, ...] = ()) -> Which:
    """Whose journeys a node stands for. `besides`: the channels that are named, where others go together."""
    step, id = node
    if id in (CONVERTED, LOST):
        return Which(converted=id == CONVERTED, steps=Steps(number=(1, None)))
    if id == MORE:
        return Which(steps=Steps(number=(step + 1, None)))
    return Which(steps=Steps(((step, id),), besides if id == OTHERS else ()))


def between(source: Node, target: Node, besides: tuple[int, ...] = ()) -> Which:
    """Whose journeys a stream from node to node stands for."""
    (step, id), end = source, target[1]
    converted = {CONVERTED: True, LOST: False}.get(end)
    if id == MORE:
        return Which(converted=converted, steps=Steps(number=(step + 1, None)))
    if converted is not None:
        return Which(converted=converted, steps=Steps((source,), besides if id == OTHERS else (), (step + 1, step + 1)))
    if end == MORE:
        return Which(steps=Steps((source,), besides if id == OTHERS else (), (step + 2, None)))
    return Which(steps=Steps((source, target), besides if OTHERS in (id, end) else ()))


@dataclass(frozen=True)
class Way:
    """A path as it is listed: `share` of the commonest one's conversions, `rate` of its journeys that converted."""

    found: Path
    address: str
    converted: str
    share: float
    rate: float

    @property
    def steps(self) -> list[tuple[str, int]]:
        return list(zip(self.found.names, self.found.hues, strict=True))


def ways(found: Paths, query: str) -> list[Way]:
    """The commonest paths with the people who took them."""
    most = max((one.conversions for one in found.top), default=0) or 1
    return [
        Way(
            one,
            people(query, Which(path=one.steps)),
            people(query, Which(path=one.steps, converted=True)),
            one.conversions / most,
            one.conversions / (one.journeys or 1),
        )
        for one in found.top
    ]


@dataclass(frozen=True)
class Step:
    """A line of the flow as a table, with the addresses of the people behind each of its figures."""

    found: Link
    source: Stop
    target: Stop
    at_source: str
    at_target: str
    journeys: str
    conversions: str


def links(found: Paths, query: str) -> list[Step]:
    """The flow as a table, the broadest first."""
    stops = found.flow.stops
    listed = sorted(found.flow.links, key=lambda one: (stops[one.source].step, -one.journeys))
    return [_step(one, stops[one.source], stops[one.target], query) for one in listed]


def _step(link: Link, source: Stop, target: Stop, query: str) -> Step:
    start, end = (source.step, source.id), (target.step, target.id)
    going = between(start, end)
    return Step(
        link, source, target, people(query, through(start)), people(query, through(end)), people(query, going),
        people(query, replace(going, converted=True)),
    )  # fmt: skip


def lengths(found: Paths, query: str, unit: str) -> dict[str, Any]:
    """Touchpoints of the journeys that led to a conversion."""
    bins = found.lengths
    return figures.histogram(
        [one.label for one in bins],
        [one.conversions for one in bins],
        [f"{one.conversions:,} {unit} after {one.label} touchpoint{'' if one.label == '1' else 's'}" for one in bins],
        [people(query, Which(converted=True, touches=_edges(one))) for one in bins],
        "touchpoints",
    )


def delays(found: Paths, query: str, unit: str) -> dict[str, Any]:
    """Days from the first touchpoint to the conversion."""
    bins = found.delays
    return figures.histogram(
        [one.label.replace("under a day", "<1").replace(" days or more", "+").removesuffix(" days") for one in bins],
        [one.conversions for one in bins],
        [f"{one.conversions:,} {unit}, {one.label} after the first touchpoint" for one in bins],
        [people(query, Which(converted=True, days=_edges(one))) for one in bins],
        "days",
    )


def _edges(one: Bin) -> tuple[int, int | None]:
    return one.low, one.high


def cohort(one: Cohort) -> Which:
    """Whom a row or a cell of the cohorts is about."""
    return Which(first=-1 if one.id is None else one.id, month=f"{one.month:%Y-%m}" if one.month else None)


def curves(found: Cohorts) -> dict[str, Any]:
    """Value per person by month since the first touchpoint, of the largest channels."""
    largest = sorted((one for one in found.channels if one.id is not None), key=lambda one: -one.people)[:6]
    marks = [Mark(one.name, one.hue) for one in largest]
    known = max((age for one in largest for age, value in enumerate(one.values) if value is not None), default=0)
    return figures.lifetimes(marks, known, [one.values for one in largest], found.currency)
