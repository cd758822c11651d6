"""Why a person is in or out: the rule's tree with what was found at each node, in English, and what time will change."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any as Anything
from typing import assert_never
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from django.utils import timezone

from cdp_site import sql
from segments.describe import clause, counted, filters, shown
from segments.evaluate import NEVER, Answers, evaluate, next_change
from segments.load import Columns, load, moment_of
from segments.require import require
from segments.rules import All, Any, Did, Not, Path, Rule, Trait

MOST_SHOWN = 120  # characters of a trait's value


@dataclass(frozen=True)
class Reason:
    """One node: whether it holds, what it asks, what was found, and when time alone will turn it (None: never)."""

    path: Path
    holds: bool
    asks: str
    found: str
    changes_at: datetime | None
    reasons: tuple["Reason", ...] = ()


def explain(rule: Rule, profile_id: int, now: datetime | None = None) -> Reason | None:
    """The reasons for one person; None when there is no such person. Cost: that person's events, once."""
    now = now or timezone.now()
    columns = load(require(rule), np.array([profile_id]), now)
    if not len(columns.people):
        return None
    found = sql.rows("SELECT traits FROM profile WHERE id = %s", (profile_id,))
    traits = json.loads(found[0][0]) if found else {}
    return _Explainer(columns, evaluate(rule, columns, now), traits, now).reason(rule, ())


@dataclass(frozen=True)
class _Explainer:
    columns: Columns
    answers: Answers
    traits: dict[str, Anything]
    now: datetime

    def reason(self, rule: Rule, path: Path) -> Reason:
        holds = bool(self.answers.nodes[path].holds[0])
        inner: tuple[Reason, ...] = ()
        match rule:
            case All(conditions):
                inner = tuple(self.reason(one, (*path, number)) for number, one in enumerate(conditions))
                asks, found = "all of these", self._of(inner)
            case Any(conditions):
                inner = tuple(self.reason(one, (*path, number)) for number, one in enumerate(conditions))
                asks, found = "any of these", self._of(inner)
            case Not(condition):
                inner = (self.reason(condition, (*path, 0)),)
                asks, found = "not this", "it holds" if inner[0].holds else "it doesn't hold"
            case Trait(name, _, _):
                asks, found = clause(rule), self._trait(name)
            case Did():
                asks, found = clause(rule), self._did(rule, path)
            case _:
                assert_never(rule)
        turns = int(next_change(rule, self.columns, self.now)[0])
        return Reason(path, holds, asks, found, None if turns == NEVER else moment_of(turns), inner)

    @staticmethod
    def _of(reasons: tuple[Reason, ...]) -> str:
        return f"{sum(reason.holds for reason in reasons)} of {len(reasons)} hold"

    def _trait(self, name: str) -> str:
        value = self.traits.get(name)
        if value is None and "." in name:
            value = self.traits
            for part in name.split("."):
                value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            return f"no {name.replace('_', ' ')}"
        text = shown(value) if isinstance(value, str | int | float | bool) else json.dumps(value, ensure_ascii=False)
        return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"

    def _did(self, did: Did, path: Path) -> str:
        """'twice since 24 September 2026, needs 3'"""
        count = self.answers.nodes[path].count
        times = int(count[0]) if count is not None else 0
        matching = " that match" if filters(did.where) else ""
        since = "" if did.within is None else f" since {self._shown(self.now - timedelta(seconds=did.within))}"
        done = f"{counted(times) if times else 'never'}{matching if times else ''}{since}"
        match did.compare:
            case "at_least":
                return done if times >= did.times else f"{done}, needs {did.times:,}"
            case "at_most":
                return done if times <= did.times else f"{done}, at most {did.times:,} allowed"
            case "exactly":
                return done if times == did.times else f"{done}, needs exactly {did.times:,}"
            case _:
                assert_never(did.compare)

    @staticmethod
    def _shown(moment: datetime) -> str:
        local = moment.astimezone(ZoneInfo(settings.TIME_ZONE))
        return f"{local.day} {local:%B %Y}"
