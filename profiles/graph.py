"""Identifiers and their links as a picture: a column a kind, the strongest on the left. Pure; sizes in pixels."""

from dataclasses import dataclass

from profiles.explain import Explained, Node, Tie

WIDTH, HEIGHT, GAP_X, GAP_Y, TOP = 176, 38, 64, 12, 28
# The page shows it at least this wide; what is narrower would be blown up.
NARROWEST = 640
MOST_REFUSED = 8
_LONGEST = 20


@dataclass(frozen=True)
class Box:
    x: int
    y: int
    text: str
    title: str
    state: str

    @property
    def middle(self) -> int:
        return self.y + HEIGHT // 2


@dataclass(frozen=True)
class Line:
    path: str
    state: str
    title: str


@dataclass(frozen=True)
class Graph:
    width: int
    height: int
    heads: list[tuple[int, str]]
    boxes: list[Box]
    lines: list[Line]


def draw(found: Explained, profile_id: int) -> Graph:
    """Where everything stands. Of the links that join nothing the first few are drawn; the list has them all."""
    refused = found.refused[:MOST_REFUSED]
    nodes = {node.identifier: node for tie in refused for node in (tie.one, tie.other)}
    nodes |= {node.identifier: node for node in found.nodes}
    order = {node.identifier: place for place, node in enumerate(found.nodes)}
    columns: dict[str, list[Node]] = {}
    for node in sorted(nodes.values(), key=lambda node: (node.identifier[0], order.get(node.identifier, len(order)))):
        columns.setdefault(node.label, []).append(node)
    places = {
        # Every other column half a row lower, so that a line to the one behind it isn't hidden by its boxes.
        node.identifier: (column * (WIDTH + GAP_X), TOP + row * (HEIGHT + GAP_Y) + column % 2 * (HEIGHT + GAP_Y) // 2)
        for column, some in enumerate(columns.values())
        for row, node in enumerate(some)
    }
    boxes = [
        Box(*places[node.identifier], _short(node.value), f"{node.label}: {node.value}", _state(node, profile_id))
        for node in nodes.values()
    ]
    lines = [_line(tie, places, "taken") for tie in found.ties] + [_line(tie, places, "refused") for tie in refused]
    tallest = max((len(some) for some in columns.values()), default=0)
    return Graph(
        max(len(columns) * (WIDTH + GAP_X) - GAP_X + 40, NARROWEST),
        TOP + tallest * (HEIGHT + GAP_Y) + (HEIGHT + GAP_Y) // 2,
        [(column * (WIDTH + GAP_X), label) for column, label in enumerate(columns)],
        boxes,
        lines,
    )


def _state(node: Node, profile_id: int) -> str:
    if node.means_nobody:
        return "shared"
    return "mine" if node.profile_id == profile_id else "others"


def _line(tie: Tie, places: dict[tuple[int, str], tuple[int, int]], state: str) -> Line:
    (x1, y1), (x2, y2) = sorted((places[tie.one.identifier], places[tie.other.identifier]))
    y1, y2 = y1 + HEIGHT // 2, y2 + HEIGHT // 2
    if x1 == x2:
        right, out = x1 + WIDTH, x1 + WIDTH + 36
        path = f"M{right},{y1} C{out},{y1} {out},{y2} {right},{y2}"
    else:
        start, half = x1 + WIDTH, (x2 - x1 - WIDTH) // 2
        path = f"M{start},{y1} C{start + half},{y1} {x2 - half},{y2} {x2},{y2}"
    return Line(path, state, f"{tie.one.value} – {tie.other.value}" + (f": {tie.why}" if tie.why else ""))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
