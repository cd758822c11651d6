"""The ways that people take: the flow between channels, the commonest paths, how long they are in touches and days."""

from dataclasses import dataclass

from campaigns.attribution.filters import Filters

START, CONVERTED, LOST = -1, -2, -3  # places in a flow that are no channel


@dataclass(frozen=True)
class Path:
    """A sequence of channels (ids of `load.Named`), the same one after another told once. `days`: median of the time
    from the first touch to the conversion, None without conversions."""

    steps: tuple[int, ...]
    names: tuple[str, ...]
    hues: tuple[int, ...]
    journeys: int
    conversions: int
    value: float
    days: float | None


@dataclass(frozen=True)
class Bin:
    """A bar: journeys (or conversions) with low <= x <= high; `high` None: no end."""

    low: float
    high: float | None
    label: str
    journeys: int
    conversions: int
    value: float


@dataclass(frozen=True)
class Stop:
    """A node of the flow: a channel at a step (0 is the first touch), or an end. `id` None: `START`, an end, or 'more'."""

    step: int
    id: int | None
    name: str
    hue: int
    journeys: int


@dataclass(frozen=True)
class Link:
    """Journeys that go from stop to stop (places in `Flow.stops`)."""

    source: int
    target: int
    journeys: int
    conversions: int


@dataclass(frozen=True)
class Flow:
    """For a Sankey: the first `steps` touches of each journey, then whether it converted."""

    stops: tuple[Stop, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Paths:
    """`top`: by conversions, the most first. `lengths`: touches a journey. `delays`: days from first touch to conversion
    (conversions only). `median_*` over conversions with at least one touch; None without."""

    filters: Filters
    flow: Flow
    top: tuple[Path, ...]
    distinct: int
    lengths: tuple[Bin, ...]
    delays: tuple[Bin, ...]
    median_length: float | None
    median_days: float | None
    journeys: int
    conversions: int
    currency: str
    waiting: int


def paths(filters: Filters, *, most: int = 20, steps: int = 4) -> Paths:
    """Cost at a million journeys: see docs/benchmarks.md; nothing where the last answers have it."""
    raise NotImplementedError
