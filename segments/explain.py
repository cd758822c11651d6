"""Why a person is in or out: the rule's tree with what was found at each node, in English, and what time will change."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.utils import timezone

from cdp_site import sql
from segments import expand
from segments.describe import clause
from segments.evaluate import NEVER, evaluate, next_change
from segments.findings import Findings
from segments.load import load, moment_of
from segments.require import require
from segments.rules import All, Any, InSegment, Not, Path, Rule, segments_in


@dataclass(frozen=True)
class Reason:
    """One node: whether it holds, what it asks, what was found, and when time alone will turn it (None: never).

    A segment that is asked for has its own rule's reasons below it.
    """

    path: Path
    holds: bool
    asks: str
    found: str
    changes_at: datetime | None
    reasons: tuple["Reason", ...] = ()


def explain(rule: Rule, profile_id: int, now: datetime | None = None) -> Reason | None:
    """The reasons for one person; None when there is no such person. Raises `Cycle` and `UnknownSegment`.

    Cost: that person's events, once.
    """
    now = now or timezone.now()
    segments = expand.stored() if segments_in(rule) else {}
    whole = expand.whole(rule, segments)
    columns = load(require(whole), np.array([profile_id]), now)
    if not len(columns.people):
        return None
    found = sql.rows("SELECT traits FROM profile WHERE id = %s", (profile_id,))
    traits = json.loads(found[0][0]) if found else {}
    findings = Findings(columns, evaluate(whole, columns, now).nodes, traits, now)
    return _Explainer(findings, segments).reason(rule, ())


@dataclass(frozen=True)
class _Explainer:
    findings: Findings
    segments: Mapping[str, Rule]

    def reason(self, rule: Rule, path: Path) -> Reason:
        holds = bool(self.findings.nodes[path].holds[0])
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
            case InSegment(name):
                # Its rule stands in its place.
                inner = (self.reason(self.segments[name], path),)
                asks, found = clause(rule), f"the rule of “{name}” {'holds' if holds else 'doesn’t hold'}"
            case _:
                asks, found = clause(rule), self.findings.words(rule, path)
        whole = expand.whole(rule, self.segments)
        turns = int(next_change(whole, self.findings.columns, self.findings.now)[0])
        return Reason(path, holds, asks, found, None if turns == NEVER else moment_of(turns), inner)

    @staticmethod
    def _of(reasons: tuple[Reason, ...]) -> str:
        return f"{sum(reason.holds for reason in reasons)} of {len(reasons)} hold"
