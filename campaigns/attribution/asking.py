"""What the address of a dashboard asks: its filters, the model that is shown, the order of the table; read without trust."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from campaigns.attribution import filters as asked_filters
from campaigns.attribution.filters import Filters
from campaigns.models import Goal
from cdp_site import asked
from segments.models import Segment

PERIODS = ((7, "Last 7 days"), (30, "Last 30 days"), (90, "Last 90 days"), (365, "Last 365 days"))
OWN = "own"  # the period's value where two dates are given
USUAL_MODEL = "last"
# What of an address is kept from page to page, and in a saved view.
KEYS = ("goal", "days", "since", "until", "segment", "buyers", "device", "views", "by", "sort", "of")
DEVICES = (
    ("desktop", "Computers"),
    ("mobile", "Phones"),
    ("tablet", "Tablets"),
    ("app", "The app"),
    ("store", "Stores"),
)
BUYERS = (("all", "New and returning"), ("new", "New customers"), ("returning", "Returning customers"))


class NoGoal(Exception):
    """Nobody has said yet what counts as a conversion."""


@dataclass(frozen=True)
class Asking:
    """A question as read: `query` is the address' own, cleaned, so that 'last 30 days' stays what it says."""

    filters: Filters
    goal: Goal
    goals: tuple[Goal, ...]
    model: str
    sort: str
    of: int | None  # a channel, on the campaigns' page
    problems: tuple[str, ...]
    query: str

    @property
    def unit(self) -> str:
        """What is counted: 'orders'."""
        return self.goal.name.lower()

    @property
    def period(self) -> str:
        """Which of the usual periods it is, or `OWN`."""
        if self.filters.until == timezone.localdate():
            return next((str(days) for days, _ in PERIODS if days == self.filters.days), OWN)
        return OWN

    def with_(self, **more: str) -> str:
        """The query with something else in it; an empty value takes a key out."""
        kept = QueryDict(self.query, mutable=True)
        for key, value in more.items():
            if value:
                kept[key] = value
            else:
                kept.pop(key, None)
        return kept.urlencode()

    @property
    def narrowed(self) -> bool:
        """Whether anything but goal and period is asked for."""
        return bool(self.filters.segment or self.filters.devices or self.filters.views or self.filters.buyers != "all")


def read(given: QueryDict) -> Asking:
    """A question from an address. Raises `NoGoal`. Cost: one small query."""
    goals = tuple(Goal.objects.filter(enabled=True))
    if not goals:
        raise NoGoal("There is no goal to count any more.")
    plain = _one_period({key: said for key in KEYS if (said := asked.words(str(given.get(key) or "")))})
    read = asked_filters.read(plain, [one.pk for one in goals], timezone.localdate(), given.getlist("device"))
    kept: list[tuple[str, str]] = []
    for key in KEYS:
        if key in plain:
            kept += [(key, asked.words(str(one))) for one in given.getlist(key)[-8:] if one]
    goal = next(one for one in goals if one.pk == read.filters.goal)
    return Asking(
        read.filters, goal, goals, plain.get("by", USUAL_MODEL), plain.get("sort", ""), asked.whole(plain.get("of")),
        read.problems, urlencode(kept),
    )  # fmt: skip


def _one_period(plain: dict[str, str]) -> dict[str, str]:
    """A form sends the period and both dates: only what was chosen counts."""
    if plain.get("days") == OWN:
        return {key: value for key, value in plain.items() if key != "days"}
    if "days" in plain:
        return {key: value for key, value in plain.items() if key not in ("since", "until")}
    return plain


def shown(asking: Asking, page: str, **more: Any) -> dict[str, Any]:
    """What the frame of every dashboard shows: tabs, filters, saved views."""
    return {
        "asking": asking, "page": page, "q": asking.query, "unit": asking.unit, "currency": asking.goal.currency,
        "periods": PERIODS, "own": OWN, "devices": _marked(DEVICES, asking.filters.devices), "buyers": BUYERS,
        "unfiltered": asking.with_(segment="", buyers="", device="", views="", of=""),
        "longer": asking.with_(days="365", since="", until=""),
        "one_of": one_of(asking.unit), "single": single(asking.unit),
        "costs_address": _address("costs"), "experiments_address": _address("experiments"),
        "segments": list(Segment.objects.filter(status=Segment.Status.LIVE).values_list("pk", "name").order_by("name")),
        **more,
    }  # fmt: skip


def one_of(unit: str) -> str:
    """'an order' of 'orders'."""
    one = single(unit)
    return f"{'an' if one[:1] in 'aeiou' else 'a'} {one}"


def single(unit: str) -> str:
    """'order' of 'orders'."""
    return unit[:-1] if unit.endswith("s") else unit


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _marked(choices: Sequence[tuple[str, str]], devices: Any) -> list[tuple[str, str, bool]]:
    chosen = {one.name.lower() for one in devices}
    return [(key, label, key in chosen) for key, label in choices]


def model_of(models: Sequence[tuple[str, str]], wanted: str) -> str:
    """A model that there is."""
    keys = [key for key, _ in models]
    return wanted if wanted in keys else USUAL_MODEL if USUAL_MODEL in keys else keys[0]
