"""How somebody became who they are: merges, partings and what was done by hand, the newest first, each with its cause."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cdp_site import sql
from cdp_site.arrays import int8s
from cdp_site.ids import made_at
from profiles import plans
from profiles.acts import living, wording
from profiles.called import names_of
from profiles.explain import events_of
from profiles.identifiers import Identifier, Kind, strength
from profiles.inferred import inferred
from profiles.models import Act
from profiles.past import Past

MOST = 30


@dataclass(frozen=True)
class Step:
    """One thing that happened. `who`: the other person, as they are called now; `brought`: identifiers that came or
    left (the strongest few), `more` of them; `cause`: the identifier because of which, by a message (`event`)."""

    kind: str
    id: int
    at: datetime
    who: tuple[int, str] | None = None
    brought: list[tuple[str, str]] = field(default_factory=list)
    more: int = 0
    cause: tuple[str, str] | None = None
    source_id: int | None = None
    event: tuple[int, int] | None = None
    act: Act | None = None
    # Of an act: who did it, what, and of what kind that is (of an act that takes another back: of which kind the other was).
    by: str = ""
    did: str = ""
    about: str = ""
    # Whether it can still be undone (a merge) or taken back (an act).
    open: bool = False
    # How sure the matching was, where it joined the two by itself.
    probability: float | None = None


@dataclass(frozen=True)
class History:
    steps: list[Step]
    more: int


_MERGES = """
SELECT id, profile_id, loser_id, kind_id, value, source_id, message_key::text, identifiers, count(*) OVER ()
FROM profile_merge
WHERE profile_id = ANY(%(ids)b::bigint[]) AND act_id IS NULL ORDER BY id DESC LIMIT %(most)b
"""
# From the person, and to the person: an index for each.
_PARTS = """
SELECT id, profile_id, parted_id, kind_id, value, source_id, message_key::text, identifiers, count(*) OVER () FROM (
    SELECT * FROM profile_part WHERE profile_id = ANY(%(ids)b::bigint[]) AND act_id IS NULL
    UNION
    SELECT * FROM profile_part WHERE parted_id = ANY(%(ids)b::bigint[]) AND act_id IS NULL
) AS part ORDER BY id DESC LIMIT %(most)b
"""
_FEW = 4


def history(profile_id: int, kinds: Mapping[int, Kind]) -> History:
    """The latest thirty steps. Cost: a few ranges of indexes of this person's rows."""
    ids = plans.ids_of(profile_id)
    asked = {"ids": int8s(sorted(ids)), "most": MOST}
    merges, parts = sql.rows(_MERGES, asked), sql.rows(_PARTS, asked)
    acts = Act.objects.filter(profile_id__in=ids) | Act.objects.filter(other_id__in=ids)
    latest = list(acts[:MOST])
    back = set(Act.objects.filter(takes_back__in=[one.pk for one in latest]).values_list("takes_back", flat=True))
    told = _Told(ids, kinds)
    words = wording(latest, kinds, profile_id)
    steps = [told.merge(row) for row in merges] + [told.part(row) for row in parts]
    for one in latest:
        step = told.act(one, one.pk not in back)
        steps.append(replace(step, by=words.by(one), did=words.did(one), about=words.about(one)))
    steps.sort(key=lambda step: -step.id)
    number = (merges[0][-1] if merges else 0) + (parts[0][-1] if parts else 0) + acts.count()
    return History(told.whole(steps[:MOST]), number - min(number, MOST, len(steps)))


class _Told:
    """Rows as steps; what has to be looked up for all of them is looked up at the end, at once."""

    def __init__(self, ids: Sequence[int], kinds: Mapping[int, Kind]) -> None:
        self.past = Past(ids[0], ids, kinds)
        self.ids, self.kinds = {*ids}, kinds
        self.labels: dict[int, str] = dict(sql.rows("SELECT id, label FROM identifier_kind"))
        self.others: dict[int, int] = {}
        self.keys: dict[int, str] = {}
        self.brought: dict[int, list[Identifier]] = {}
        self.inferred = inferred(ids).people

    def merge(self, row: Sequence[Any]) -> Step:
        id, winner, loser, kind, value, source, key, brought, _ = row
        step = self._step("merge", id, loser, kind, value, source, key, brought)
        return step if key else replace(step, probability=self.inferred.get(frozenset((winner, loser))))

    def part(self, row: Sequence[Any]) -> Step:
        id, left, parted, kind, value, source, key, brought, _ = row
        came = parted in self.ids and left not in self.ids
        return self._step("came" if came else "left", id, left if came else parted, kind, value, source, key, brought)

    def act(self, act: Act, is_open: bool) -> Step:
        other = act.profile_id if act.profile_id not in self.ids else act.other_id
        if other is not None and other not in self.ids:
            self.others[act.pk] = other
        return Step("act", act.pk, act.at, act=act, open=is_open and act.kind != Act.Kind.BACK)

    def _step(
        self, kind: str, id: int, other: int, of: int | None, value: str, source: int | None, key: str | None, brought: str
    ) -> Step:  # fmt: skip
        self.others[id] = other
        if key:
            self.keys[id] = key
        found = [(number, text) for number, text in json.loads(brought)]
        self.brought[id] = found
        shown = sorted(
            (one for one in found if self.kinds[one[0]].role != "attach"), key=lambda one: strength(one, self.kinds)
        )
        cause = (self.labels[of], value) if of else None
        few = [(self.labels[number], text) for number, text in shown[:_FEW]]
        return Step(kind, id, made_at(id), None, few, len(shown) - len(few), cause, source)

    def whole(self, steps: Iterable[Step]) -> list[Step]:
        steps = list(steps)
        homes = living(self.others[step.id] for step in steps if step.id in self.others)
        names = names_of(homes.values())
        events = events_of(self.keys.values())
        whole = []
        for step in steps:
            other = homes.get(self.others.get(step.id, 0))
            whole.append(
                replace(
                    step,
                    who=(other, names[other]) if other is not None else None,
                    event=events.get(self.keys.get(step.id, "")),
                    open=step.open or (step.kind == "merge" and self._can_be_undone(step.id)),
                )
            )
        return whole

    def _can_be_undone(self, merge_id: int) -> bool:
        """Whether something of what each of the two had then is this person's still."""
        sides = self.past.sides(merge_id) if merge_id in self.past.merges else ()
        return bool(sides) and all(any(self.kinds[one[0]].merges for one in side) for side in sides)
