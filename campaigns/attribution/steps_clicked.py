"""A node or a stream of the picture of paths: whose journeys go that way, from and to an address, and as a sentence."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from campaigns.attribution.directory import Directory
from campaigns.attribution.paths import stepped
from campaigns.attribution.values import Journeys
from cdp_site import asked

OTHERS = 0  # stands for all channels that the picture doesn't name


@dataclass(frozen=True)
class Steps:
    """What must hold of a journey's steps (the same channel one after another is one step, see `paths.stepped`).

    `at`: (step, channel id); the first step is 0. `besides`: the channels that the picture names, where `OTHERS` in `at`
    stands for any other one. `number`: how many steps there are, from and to (None: no end).
    """

    at: tuple[tuple[int, int], ...] = ()
    besides: tuple[int, ...] = ()
    number: tuple[int, int | None] | None = None

    def query(self) -> dict[str, str]:
        said = {}
        if self.at:
            said["at"] = "_".join(f"{step}.{channel}" for step, channel in self.at)
        if self.besides:
            said["besides"] = ".".join(map(str, self.besides))
        if self.number is not None:
            low, high = self.number
            said["steps"] = f"{low}-{'' if high is None else high}"
        return said

    def sentence(self, named: Callable[[int], str]) -> str:
        """' with Display as step 1 and E-mail as step 2'; what goes on behind 'Journeys'."""
        stops = [f"{self._name(channel, named)} as step {step + 1}" for step, channel in self.at]
        found = f" with {' and '.join(stops)}" if stops else ""
        if self.number is None:
            return found
        low, high = self.number
        if (low, high) == (1, None):
            return f"{found}{' and' if stops else ' with'} a touchpoint"
        many = f"{low} or more steps" if high is None else f"{low} step{'' if low == 1 else 's'}"
        return f"{found}{', of' if stops else ' of'} {many} in all"

    def _name(self, channel: int, named: Callable[[int], str]) -> str:
        return "another channel" if channel == OTHERS and self.besides else named(channel)

    def mask(self, names: Directory, counted: Journeys) -> np.ndarray:
        """Which journeys go that way. Cost: one pass over their touches."""
        going = stepped(counted)
        lengths = going.lengths
        found = np.ones(len(going), bool)
        if self.number is not None:
            low, high = self.number
            found &= (lengths >= low) & (lengths <= (2**31 if high is None else high))
        for step, channel in self.at:
            found &= lengths > step
            candidates = np.flatnonzero(found)
            found[candidates] = self._is(names, channel, going.channel[going.starts[candidates] + step])
        return found

    def _is(self, names: Directory, channel: int, places: np.ndarray) -> np.ndarray:
        if channel == OTHERS and self.besides:
            named = [place for one in self.besides if (place := names.place(one)) is not None]
            return ~np.isin(places, named)
        place = names.place(channel)
        return np.zeros(len(places), bool) if place is None else places == place


def steps(at: str, besides: str, number: tuple[int, int | None] | None) -> Steps | None:
    """As an address says; None where it says nothing that can be read."""
    stops = tuple(stop for one in at.split("_") if (stop := _stop(one)) is not None)
    others = tuple(id for one in besides.split(".") if (id := asked.whole(one)) is not None)
    return Steps(stops, others if stops else (), number) if stops or number is not None else None


def _stop(said: str) -> tuple[int, int] | None:
    step, _, channel = said.partition(".")
    at, id = asked.whole(step), asked.whole(channel)
    return None if at is None or id is None or at > _MOST else (at, id)


_MOST = 100  # steps; no journey has so many
