"""What other rules would make of the people, without changing anything: how many would join and part, and who.

Exact where only limits, sharing and patience change. Where priorities, roles or what is blocked do, the messages would
be read anew when it is applied (`profiles.retell`); the outlook takes the links as they are, and is an estimate.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from cdp_site import sql
from cdp_site.checks import one_view
from profiles import picture
from profiles.identifiers import ROLES, Identifier, Kind
from profiles.kinds import LINKING
from profiles.picture import Differences, Picture

EXAMPLES = 10
PROFILES = 20_000
VALUES = 50_000
_FIELDS = {"limit_per_profile": "limit"}


@dataclass(frozen=True)
class Outlook:
    """`joined`: profiles that would become part of another; `parted`: that would fall apart. `examples` as in
    `profiles.models.Rebuild`."""

    profiles_before: int
    profiles_after: int
    joined: int
    parted: int
    examples: list[dict[str, Any]]


def proposed(kinds: Mapping[int, Kind], rules: Mapping[str, Mapping[str, Any]]) -> dict[int, Kind]:
    """The kinds with these rules instead: {kind's id: {field: value}}."""
    changed = dict(kinds)
    for id, fields in rules.items():
        if kind := changed.get(int(id)):
            known = {_FIELDS.get(name, name): _read(name, value) for name, value in fields.items()}
            changed[int(id)] = msgspec.structs.replace(kind, **known)
    return changed


def _read(name: str, value: Any) -> Any:
    if name in ("blocked", "trusted"):
        return frozenset(value)
    return tuple(value) if name == "patterns" else value


def is_estimate(rules: Mapping[str, Mapping[str, Any]]) -> bool:
    return any(field in LINKING for fields in rules.values() for field in fields)


def look(kinds: Mapping[int, Kind]) -> Outlook:
    """What people would be by these rules. Cost: as `picture.take`, and the messages of those who would fall apart."""
    with one_view():
        before = int(sql.rows("SELECT count(*) FROM profile")[0][0])
        taken = picture.take(kinds, _newly_blocked(kinds))
        found = picture.differences(taken, kinds)
        return _Look(taken, found, kinds).outlook(before)


def _newly_blocked(kinds: Mapping[int, Kind]) -> list[Identifier]:
    """The identifiers that these rules block and the stored ones don't yet. Cost: one pass over kinds with patterns."""
    blocked: list[Identifier] = [(id, value) for id, kind in kinds.items() for value in kind.blocked]
    for id, kind in kinds.items():
        if not kind.patterns:
            continue
        patterns = [re.compile(pattern, re.IGNORECASE) for pattern in kind.patterns]
        after = ""
        while rows := sql.rows(
            "SELECT value FROM identifier WHERE kind_id = %b AND value > %b ORDER BY value LIMIT %b",
            (id, after, VALUES),
        ):
            after = rows[-1][0]
            blocked += [(id, value) for (value,) in rows if any(one.fullmatch(value) for one in patterns)]
    return blocked


# Which identifiers, in their order, the messages of some people name: a row an identifier.
_TOLD = """
SELECT dense_rank() OVER (ORDER BY profile_id, identifiers), profile_id, place,
       hashtextextended(pair ->> 1, (pair ->> 0)::smallint)
FROM (SELECT DISTINCT profile_id, identifiers FROM event
      WHERE profile_id = ANY(%s::bigint[]) AND identifiers IS NOT NULL) AS told,
     jsonb_array_elements(identifiers) WITH ORDINALITY AS named (pair, place)
"""


class _Look:
    """Who would be whom: each profile claims the group of its strongest finder, as in `profiles.gather`."""

    def __init__(self, taken: Picture, differing: Differences, kinds: Mapping[int, Kind]) -> None:
        self.taken, self.found, self.kinds = taken, differing.found, kinds
        self.differing = np.union1d(differing.profiles, differing.afresh)

    def outlook(self, before: int) -> Outlook:
        homes, groups = self.taken.homes, self.found.groups
        chosen = np.flatnonzero(np.isin(homes, self.differing) & (homes > 0))
        pairs = np.unique(np.stack([homes[chosen], groups[chosen]], axis=1), axis=0)
        profiles, first, pieces = np.unique(pairs[:, 0], return_index=True, return_counts=True)
        claims = dict(zip(profiles.tolist(), pairs[first, 1].tolist(), strict=True))
        unsettled = self._unsettled(profiles[pieces > 1])
        finders = self._finders(unsettled)
        needed: dict[int, set[int]] = {}
        for profile, places in finders.items():
            claims[profile] = int(groups[min(places, key=self._strength)])
            needed[profile] = {int(groups[place]) for place in places}
        heirs: dict[int, list[int]] = {}
        for profile, group in claims.items():
            heirs.setdefault(group, []).append(profile)
        born = set().union(*needed.values()) - heirs.keys() if needed else set()
        losers = {loser for some in heirs.values() for loser in sorted(some)[1:]}
        keeper = {group: min(some) for group, some in heirs.items()}
        # Whose order goes to somebody else hasn't fallen apart.
        joining = chosen[
            np.isin(self.taken.evidence.kinds[chosen], [id for id, kind in self.kinds.items() if kind.merges])
        ]
        pairs = np.unique(np.stack([homes[joining], groups[joining]], axis=1), axis=0)
        stays = {profile: keeper[group] for profile, group in claims.items()}
        there = self._pieces(pairs, {*unsettled}, stays, keeper, born)
        apart = {profile: len(homes) for profile, homes in there.items() if len(homes) > 1}
        joins: list[dict[str, Any]] = [{"joined": sorted(some)} for some in heirs.values() if len(some) > 1]
        parts: list[dict[str, Any]] = [{"parted": profile, "into": into} for profile, into in sorted(apart.items())]
        examples = [*joins[: EXAMPLES // 2], *parts][:EXAMPLES]
        return Outlook(before, before - len(losers) + len(born), len(losers), len(apart), examples)

    def _unsettled(self, apart: np.ndarray) -> list[int]:
        """Who falls apart, or loses an identifier that turns out to be shared."""
        fresh = self.found.lost & ~(self.taken.shared | self.taken.disputed)
        losing = self.taken.homes[fresh]
        return np.union1d(apart, losing[losing > 0]).tolist()  # type: ignore[no-any-return]

    def _finders(self, profiles: list[int]) -> dict[int, set[int]]:
        """By which identifiers the messages of these people would find somebody."""
        finders: dict[int, set[int]] = {}
        columns = [("told", "i8"), ("profile", "i8"), ("place", "i4"), ("hash", "i8")]
        for start in range(0, len(profiles), PROFILES):
            some = profiles[start : start + PROFILES]
            told = sql.packed(_TOLD, (some,), columns)
            at = self.taken.places(told["hash"])
            known = at >= 0
            told, at = told[known], at[known]
            line = np.lexsort((told["place"], self.found.lost[at], told["told"]))
            first = line[np.unique(told["told"][line], return_index=True)[1]]
            for profile, place in zip(told["profile"][first].tolist(), at[first].tolist(), strict=True):
                finders.setdefault(profile, set()).add(place)
        return finders

    def _strength(self, place: int) -> tuple[int, int, int]:
        kind = self.kinds[int(self.taken.evidence.kinds[place])]
        return ROLES[kind.role], kind.priority, place

    def _pieces(
        self,
        pairs: np.ndarray,
        unsettled: set[int],
        stays: Mapping[int, int],
        keeper: Mapping[int, int],
        born: set[int],
    ) -> dict[int, set[int]]:
        """To whom each profile's identifiers would go, itself (or whom it becomes part of) among them."""
        there: dict[int, set[int]] = {}
        for profile, group in pairs.tolist():
            if profile in unsettled and (group in keeper or group in born):
                there.setdefault(profile, {stays[profile]}).add(keeper.get(group, -group - 1))
        return there


__all__ = ["Outlook", "is_estimate", "look", "proposed"]
