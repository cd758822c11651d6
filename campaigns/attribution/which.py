"""What was clicked on a dashboard: from an address and back, as a sentence, and as a mask over journeys."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from campaigns.attribution.directory import Directory, directory
from campaigns.attribution.filters import Filters, bucket_of, buckets, within
from campaigns.attribution.load import EPOCH, Question
from campaigns.attribution.models import BY_KEY
from campaigns.attribution.paths import DAY, LONGEST, stepped
from campaigns.attribution.steps_clicked import Steps, steps
from campaigns.attribution.values import Journeys, Touch
from cdp_site import asked

_BAR = re.compile(r"([0-9]{1,6})-([0-9]{0,6})")
TO_ONE = ("first", "last", "last_non_direct")  # models that give a conversion to one touch
_FLAGS = ("untouched", "alone", "view_through", "new")


@dataclass(frozen=True)
class Which:
    """What was clicked. Everything that is given must hold; nothing given: all journeys of the filters.

    `channel`, `campaign`: ids (0 for 'Unassigned' where there is no such channel / for touches without a campaign). `model`:
    with a channel or campaign, only conversions of which this model gives it something (first, last …). `converted`: only
    conversions (True), or only journeys without (False). `untouched`: conversions without any touchpoint. `alone`,
    `view_through`: as in `numbers.Row`. `path`: channel ids, as `paths.Path.steps`. `touches`, `days`: (low, high or None)
    of a bar. `steps`: a node or a stream of the picture of paths. `new`: the person's first conversion. `bucket`: a day in a
    bucket of the table's line (2026-11-23). `first`: people whose first touchpoint ever was of this channel (a cohort; -1 for
    none known), `month`: in this month (2026-11); of them all journeys, whenever.
    """

    channel: int | None = None
    campaign: int | None = None
    model: str | None = None
    converted: bool | None = None
    untouched: bool = False
    alone: bool = False
    view_through: bool = False
    path: tuple[int, ...] | None = None
    steps: Steps | None = None
    touches: tuple[int, int | None] | None = None
    days: tuple[int, int | None] | None = None
    new: bool = False
    bucket: str | None = None
    first: int | None = None
    month: str | None = None

    def query(self) -> dict[str, str]:
        """For an address, to be put behind the filters'. Keys begin with 'of_', so that they are nobody else's."""
        said = {f"of_{name}": f"{getattr(self, name)}" for name in ("channel", "campaign", "first") if self._has(name)}
        said |= {f"of_{name}": "1" for name in _FLAGS if getattr(self, name)}
        said |= {f"of_{name}": getattr(self, name) for name in ("model", "bucket", "month") if self._has(name)}
        if self.converted is not None:
            said["of_converted"] = "1" if self.converted else "0"
        if self.path is not None:
            said["of_path"] = ".".join(map(str, self.path))
        if self.steps is not None:
            said |= {f"of_{name}": text for name, text in self.steps.query().items()}
        for name in ("touches", "days"):
            bar = getattr(self, name)
            if bar is not None:
                said[f"of_{name}"] = f"{bar[0]}-{'' if bar[1] is None else bar[1]}"
        return said

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None

    def sentence(self, names: Directory | None = None) -> str:
        """'Conversions in whose journeys Display is': the heading of the list, without the filters."""
        names = names or directory()
        what = (
            "Journeys" if self.converted is None else "Conversions" if self.converted else "Journeys without conversion"
        )
        if self.untouched:
            return "Conversions without any known touchpoint"
        if self.new:
            what = "First conversions"
        found = f"People who first came by {self._first(names)}" if self.first is not None else self._of(what, names)
        if self.month is not None:
            found += f", in {date.fromisoformat(self.month + '-01'):%B %Y}"
        if self.path is not None:
            found += f" on the way {' → '.join(_named(names, one) for one in self.path)}"
        if self.steps is not None:
            found += self.steps.sentence(lambda channel: _named(names, channel))
        if self.touches is not None:
            found += f" with {_range(self.touches)} touchpoints"
        if self.days is not None:
            found += f", {_range(self.days)} days after the first touchpoint"
        if self.bucket is not None:
            found += f", from {date.fromisoformat(self.bucket):%-d %B %Y} on"
        return found

    def _first(self, names: Directory) -> str:
        return "no known touchpoint" if self.first == -1 else _named(names, self.first or 0)

    def _of(self, what: str, names: Directory) -> str:
        if self.channel is None and self.campaign is None:
            return what
        if self.campaign is not None:
            place = names.campaign_place(self.campaign)
            name = "no campaign" if place is None else names.campaigns[place].name
        else:
            name = _named(names, self.channel or 0)
        if self.view_through:
            return f"Conversions after {name} was seen, and never followed"
        if self.alone:
            return f"Conversions in whose journeys there is only {name}"
        if self.model in BY_KEY:
            return (
                f"Conversions that are put down to {name} by the model “{BY_KEY[self.model].name}”, wholly or in part"
            )
        return f"{what} in which {name} is" if what.startswith("Journeys") else f"{what} in whose journeys {name} is"

    def mask(self, question: Question, whole: Journeys, people: np.ndarray | None) -> np.ndarray:
        """Which of the journeys are meant. `people`: of the cohort, where one was clicked."""
        counted = question.counted(whole)
        passing = np.ones(len(whole), bool) if people is None else within(whole.profile, people)
        if self.converted is not None:
            passing &= whole.converted == self.converted
        if self.new:
            passing &= whole.new & whole.converted
        if self.untouched:
            passing &= whole.converted & (counted.lengths == 0)
        if self.bucket is not None:
            passing &= _in_bucket(question.filters, self.bucket, whole.day)
        if self.touches is not None:
            passing &= (counted.lengths >= self.touches[0]) & (counted.lengths <= (self.touches[1] or 2**31))
        if self.days is not None:
            passing &= self._so_late(counted)
        if self.path is not None:
            passing &= _by_path(counted, [question.directory.place(one) for one in self.path])
        if self.steps is not None:
            passing &= self.steps.mask(question.directory, counted)
        if self.channel is not None or self.campaign is not None:
            passing &= self._by_place(question, whole, counted)
        return passing

    def _so_late(self, counted: Journeys) -> np.ndarray:
        assert self.days is not None
        low, high = self.days
        found = np.zeros(len(counted), bool)
        touched = counted.lengths > 0
        age = counted.age[counted.starts[:-1][touched]]
        found[touched] = (age >= low * DAY) & (age < (2**31 if high is None else high * DAY))
        return found & counted.converted

    def _by_place(self, question: Question, whole: Journeys, counted: Journeys) -> np.ndarray:
        here = self._here(question.directory, counted)
        if here is None:
            return np.zeros(len(whole), bool)
        hits = _any(counted, here)
        if self.view_through:
            views = whole.kind == Touch.VIEW
            there = self._here(question.directory, whole)
            assert there is not None
            return whole.converted & _any(whole, there & views) & ~_any(whole, there & ~views)
        if self.alone:
            return whole.converted & hits & ~_any(counted, ~here)
        if self.model is None:
            return hits
        chosen = counted.converted & (counted.lengths > 0)
        if self.model in TO_ONE:
            found = np.zeros(len(counted), bool)
            found[chosen] = here[_one_touch(self.model, counted)[chosen]]
            return found
        return chosen & hits

    def _here(self, names: Directory, journeys: Journeys) -> np.ndarray | None:
        """Touches of the channel and campaign; None where there are no such."""
        found = np.ones(len(journeys.channel), bool)
        if self.channel is not None:
            place = names.place(self.channel)
            if place is None:
                return None
            found &= journeys.channel == place
        if self.campaign is not None:
            place = -1 if self.campaign == 0 else names.campaign_place(self.campaign)
            if place is None:
                return None
            found &= journeys.campaign == place
        return found


def _named(names: Directory, channel: int) -> str:
    place = names.place(channel)
    return "a channel that is gone" if place is None else names.channels[place].name


def _range(bar: tuple[int, int | None]) -> str:
    low, high = bar
    return f"{low} or more" if high is None else f"{low}" if low == high else f"{low} to {high}"


def _any(journeys: Journeys, touches: np.ndarray) -> np.ndarray:
    """Journeys with any touch of a mask."""
    running = np.concatenate([[0], np.cumsum(touches)])
    found: np.ndarray = running[journeys.starts[1:]] > running[journeys.starts[:-1]]
    return found


def _one_touch(model: str, journeys: Journeys) -> np.ndarray:
    """The touch that has it all by a model, of each journey that has any (elsewhere anything)."""
    if model == "first":
        return np.minimum(journeys.starts[:-1], max(len(journeys.channel) - 1, 0))
    last = np.maximum(journeys.starts[1:] - 1, 0)
    if model == "last" or not len(journeys.channel):
        return last
    sent = np.maximum.accumulate(np.where(journeys.channel != journeys.direct, np.arange(len(journeys.channel)), -1))
    found: np.ndarray = np.where(sent[last] >= journeys.starts[:-1], sent[last], last)
    return found


def _by_path(counted: Journeys, path: list[int | None]) -> np.ndarray:
    if None in path or len(path) > LONGEST:
        return np.zeros(len(counted), bool)
    stepping = stepped(counted)
    found = stepping.lengths == len(path)
    for step, place in enumerate(path):
        candidates = np.flatnonzero(found)
        found[candidates] = stepping.channel[stepping.starts[candidates] + step] == place
    return found


def _in_bucket(filters: Filters, said: str, days: np.ndarray) -> np.ndarray:
    first = bucket_of(date.fromisoformat(said), filters.bucket)
    following = buckets(first, first + timedelta(days=40), filters.bucket)[1]
    found: np.ndarray = (days >= (first - EPOCH).days) & (days < (following - EPOCH).days)
    return found


def which(query: Mapping[str, str]) -> Which:
    """What an address asks for; what can't be read is left out."""
    said = {key.removeprefix("of_"): asked.words(query[key]) for key in query if key.startswith("of_")}
    first = -1 if said.get("first") == "-1" else asked.whole(said.get("first"))
    path = [asked.whole(one) for one in said["path"].split(".")] if said.get("path") else None
    model = said.get("model")
    flags: dict[str, bool] = {name: said.get(name) == "1" for name in _FLAGS}
    return Which(
        channel=asked.whole(said.get("channel")),
        campaign=asked.whole(said.get("campaign")),
        model=model if model in BY_KEY else None,
        converted={"1": True, "0": False}.get(said.get("converted", "")),
        path=None if path is None or None in path else tuple(one for one in path if one is not None),
        steps=steps(said.get("at", ""), said.get("besides", ""), _bar(said.get("steps"))),
        touches=_bar(said.get("touches")),
        days=_bar(said.get("days")),
        bucket=_day(said.get("bucket", "")),
        first=first,
        month=(_day(said.get("month", "") + "-01") or "")[:7] or None,
        untouched=flags["untouched"],
        alone=flags["alone"],
        view_through=flags["view_through"],
        new=flags["new"],
    )


def _bar(text: str | None) -> tuple[int, int | None] | None:
    found = _BAR.fullmatch(text or "")
    return (int(found[1]), int(found[2]) if found[2] else None) if found else None


def _day(text: str) -> str | None:
    try:
        return f"{min(max(date.fromisoformat(text), date(1971, 1, 1)), date(2200, 1, 1))}"
    except ValueError:
        return None
