"""From packed days to `Journeys`, filtered, a bounded part at a time; what the process keeps between questions.

A process keeps the packed days of the latest questions (`MOST_BYTES`, in the database's own form: about 45 bytes a
journey of three touches) and opens them some ten thousand journeys at a time, so that a question about a million
journeys needs some 30 MB besides. One question at a time is computed in a process.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from campaigns.attribution.filters import Filters
from campaigns.attribution.values import Journeys


@dataclass(frozen=True)
class Named:
    """A channel or campaign as the dashboards show it. `id` 0: 'Unassigned', origins for which no rule has an answer.
    `channel`: place of a campaign's channel, -1 for none."""

    id: int
    name: str
    hue: int = 200
    paid: bool = False
    channel: int = -1
    margin: float | None = None


@dataclass(frozen=True)
class Directory:
    """What the places in `Journeys.channel` and `.campaign` stand for, as of now. `revision` changes when any of it, or
    what origins are put down to, does."""

    channels: tuple[Named, ...]
    campaigns: tuple[Named, ...]
    revision: int

    def place(self, channel: int) -> int | None:
        """The place of a channel's id."""
        raise NotImplementedError

    def campaign_place(self, campaign: int) -> int | None:
        """The place of a campaign's id."""
        raise NotImplementedError


def directory() -> Directory:
    """All channels and campaigns by name, and where origins belong. Cost: three small queries, kept for a moment."""
    raise NotImplementedError


@dataclass(frozen=True)
class Question:
    """Filters, opened: the packed days that answer them, at one moment. `version` says whether an earlier answer still
    stands (same filters, days, segment and directory)."""

    filters: Filters
    directory: Directory
    version: int
    waiting: int  # days whose journeys changed and that are about to be packed anew: the answer is a moment old

    def parts(self) -> Iterator[Journeys]:
        """The journeys that pass the filters, in order of (day, profile, id), at most `PART` a time. `id` is 0 and
        `time` to the second in them. Without `filters.views` touches that were only seen are there, too: use `.clicks`."""
        raise NotImplementedError

    def whole(self) -> Journeys:
        """All of them at once: 75 bytes a journey and 11 a touch. For tests and small worlds."""
        raise NotImplementedError

    @property
    def members(self) -> np.ndarray | None:
        """Sorted ids of the people in the segment that was asked for."""
        raise NotImplementedError


def ask(filters: Filters) -> Question:
    """Open a question. Cost: some milliseconds; days that the process doesn't keep are read when they are come to."""
    raise NotImplementedError
