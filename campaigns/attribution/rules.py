"""The channels' rule table as values: conditions, their operators, and which line of the table an origin meets first.

No database here. A line's conditions must all hold; the first line that holds says the channel. Texts are compared
without regard to case.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any

import numpy as np

from campaigns.attribution.sites import LISTS, is_listed

# What a condition can look at, and what it is called. `source` and `medium` are completed first (see `completed`).
FIELDS = {
    "source": "source",
    "medium": "medium",
    "campaign_name": "campaign",
    "referrer": "referring site",
    "click": "click id",
    "event": "event",
    "ad": "ad or campaign id",
    "category": "kind of source",
    "said": "channel as sent",
}
# `listed` takes keys of `LISTS`; `is`, `is not` take values in which * stands for anything.
OPERATORS = {
    "is": "is",
    "is not": "is not",
    "contains": "contains",
    "listed": "is one of the",
    "not listed": "is none of the",
    "empty": "is empty",
    "filled": "is given",
}
WITHOUT_VALUE = {"empty", "filled"}
MOST_VALUES = 100
MOST_CONDITIONS = 10
LONGEST = 200
DIRECT_SOURCE, NOT_SET, NONE = "(direct)", "(not set)", "(none)"
# Click ids that only advertisements carry, with what they say of source and medium where no utm does (the networks'
# documentation of auto-tagging). fbclid and epik are on everybody's links, so they say the source only.
CLICKS = {
    "gclid": ("google", "cpc"), "gbraid": ("google", "cpc"), "wbraid": ("google", "cpc"), "dclid": ("google", "display"),
    "msclkid": ("bing", "cpc"), "ttclid": ("tiktok", "cpc"), "li_fat_id": ("linkedin", "cpc"), "twclid": ("x", "cpc"),
    "sccid": ("snapchat", "cpc"), "fbclid": ("facebook", "referral"), "epik": ("pinterest", "referral"),
}  # fmt: skip
# What an advertising system's own events are, where it doesn't say the medium.
AD_MEDIUM = {"ad clicked": "cpc", "ad viewed": "cpm", "ad impression": "cpm"}


@dataclass(frozen=True)
class Condition:
    field: str
    op: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.op in WITHOUT_VALUE:
            return f"{FIELDS[self.field]} {OPERATORS[self.op]}"
        shown = [LISTS[value][0] if self.op.endswith("listed") else value for value in self.values]
        return f"{FIELDS[self.field]} {OPERATORS[self.op]} {' or '.join(shown)}"


@dataclass(frozen=True)
class Rule:
    """A line of the table: `channel` is the channel's id."""

    channel: int
    conditions: tuple[Condition, ...] = ()

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions)) or "everything else"


@dataclass(frozen=True)
class Origins:
    """`n` origins as columns: `ids` (int32), and a list of texts for each of `FIELDS`."""

    ids: np.ndarray
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)


def read(conditions: Any) -> tuple[Condition, ...]:
    """Conditions from their JSON form. ValueError with a sentence for whoever typed it."""
    if not isinstance(conditions, list) or len(conditions) > MOST_CONDITIONS:
        raise ValueError(f"A line has at most {MOST_CONDITIONS} conditions.")
    return tuple(_condition(one) for one in conditions)


def _condition(told: Any) -> Condition:
    if not isinstance(told, dict) or told.get("field") not in FIELDS:
        raise ValueError("Choose what to look at: source, medium, campaign …")
    if (op := told.get("is")) not in OPERATORS:
        raise ValueError(f"Choose how to compare the {FIELDS[told['field']]}.")
    if op in WITHOUT_VALUE:
        return Condition(told["field"], op)
    given = told.get("value", [])
    values = tuple(
        text for one in (given if isinstance(given, list) else [given]) if (text := str(one).strip().lower())
    )
    if not values:
        raise ValueError(f"Say what the {FIELDS[told['field']]} is compared with.")
    if len(values) > MOST_VALUES or any(len(value) > LONGEST for value in values):
        raise ValueError(f"At most {MOST_VALUES} values of {LONGEST} characters each.")
    if op.endswith("listed") and (unknown := [value for value in values if value not in LISTS]):
        raise ValueError(f"There is no list “{unknown[0]}”: there are {', '.join(LISTS)}.")
    return Condition(told["field"], op, values)


def written(conditions: Iterable[Condition]) -> list[dict[str, Any]]:
    """The JSON form of conditions."""
    return [
        {"field": one.field, "is": one.op} | ({} if one.op in WITHOUT_VALUE else {"value": list(one.values)})
        for one in conditions
    ]


def completed(source: str, medium: str, referrer: str, click: str, event: str) -> tuple[str, str]:
    """Source and medium as Google Analytics would fill them in: utm first, then the click id, then the referring site
    (medium 'referral'; search engines are told apart by the rules), else (direct) and (none)."""
    if not source and not medium and event.lower() not in AD_MEDIUM:
        if click in CLICKS:
            return CLICKS[click]
        if referrer:
            return referrer, "referral"
        return (NOT_SET, NOT_SET) if event else (DIRECT_SOURCE, NONE)
    by_click = CLICKS.get(click, ("", ""))
    medium = medium or AD_MEDIUM.get(event.lower(), "") or (by_click[1] if by_click[1] != "referral" else "")
    return source or by_click[0] or NOT_SET, medium or NOT_SET


def first_lines(origins: Origins, rules: Sequence[Rule]) -> np.ndarray:
    """For each origin the place of the first rule that holds; -1 where none does.

    Cost: each condition is asked once for each distinct text (100,000 origins, 60 lines: well under a second).
    """
    columns: dict[str, tuple[list[str], np.ndarray]] = {}
    answer = np.full(len(origins), -1, np.int32)
    for place, rule in enumerate(rules):
        left = answer < 0
        for condition in rule.conditions:
            if condition.field not in columns:
                columns[condition.field] = _distinct(origins.texts[condition.field])
            texts, where = columns[condition.field]
            left &= np.fromiter(map(_test(condition), texts), bool, len(texts))[where]
        answer[left] = place
    return answer


def _distinct(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    places: dict[str, int] = {}
    where = np.fromiter((places.setdefault(text.lower(), len(places)) for text in texts), np.int64, len(texts))
    return list(places), where


def _test(condition: Condition) -> Any:
    """What a condition asks of one text (lower case)."""
    values = condition.values
    match condition.op:
        case "empty":
            return lambda text: text in ("", NOT_SET, NONE, DIRECT_SOURCE)
        case "filled":
            return lambda text: text not in ("", NOT_SET, NONE, DIRECT_SOURCE)
        case "contains":
            return lambda text: any(value in text for value in values)
        case "listed":
            return lambda text: any(is_listed(text, key) for key in values)
        case "not listed":
            return lambda text: not any(is_listed(text, key) for key in values)
        case "is":
            return _like(values)
        case "is not":
            like = _like(values)
            return lambda text: not like(text)
    raise AssertionError(condition.op)


def _like(values: tuple[str, ...]) -> Any:
    """Whether a text is one of some, in which * stands for anything (fnmatch: in time linear in the text)."""
    plain = {value for value in values if "*" not in value}
    patterns = [re.compile(translate(value)) for value in values if "*" in value]
    return lambda text: text in plain or any(pattern.match(text) for pattern in patterns)
