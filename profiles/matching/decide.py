"""What becomes of a suggestion: join (a link), not the same (a cut), later; and taking a decision back.

Decisions are evidence like any other. What a person says is an act by hand (`profiles.hand`): a *stated* link or a cut
between the two people's strongest identifiers. What the model joins by itself is a link that isn't stated, so that it is
judged after all that was said of those identifiers, keeps every limit, and gives way when later messages contradict it.

No drain runs meanwhile: people are judged under the lock of the resolve stage.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils import timezone

from cdp_site import sql, stages
from cdp_site.arrays import Column, int8s
from cdp_site.ids import new_ids
from profiles import hand, identity, traits
from profiles.component import columns
from profiles.gather import LOOK_UP
from profiles.identifiers import Identifier, Kind, Pair, pair_of, strength
from profiles.inferred import BY_ITSELF
from profiles.models import Act, Suggestion
from profiles.plans import Refused


@dataclass(frozen=True)
class Ends:
    """The identifiers by which two people are joined or cut, and the act that did it (`profiles.hand`); None: the model."""

    one: Identifier
    other: Identifier
    act_id: int | None = None

    def as_json(self) -> list[object]:
        return [list(self.one), list(self.other), self.act_id]


def join(suggestion: Suggestion, by: str) -> None:
    """Make one person of the two, whatever the limits: somebody has looked."""
    with transaction.atomic():
        stages.hold("resolve")
        ends = _strongest(suggestion, identity.load_kinds())
        act = hand.join(ends.one, ends.other, by, "the same person, said when the two were compared")
        if len(_homes([ends.one, ends.other])) > 1:
            raise Refused("They were said not to be the same person, by a cut that stands. Take that back first.")
        _decide(suggestion, Suggestion.State.JOINED, by, replace(ends, act_id=act.act_id))


def keep_apart(suggestion: Suggestion, by: str) -> None:
    """They are two people: neither this pair nor later evidence joins them or asks again."""
    with transaction.atomic():
        stages.hold("resolve")
        ends = _strongest(suggestion, identity.load_kinds())
        act = hand.keep_apart(ends.one, ends.other, by, "not the same person, said when the two were compared")
        _decide(suggestion, Suggestion.State.APART, by, replace(ends, act_id=act.act_id))


def put_off(suggestion: Suggestion) -> None:
    """Ask again after all others."""
    suggestion.state, suggestion.decided_at = Suggestion.State.LATER, None
    suggestion.save(update_fields=["state", "decided_at"])


def take_back(suggestion: Suggestion, by: str) -> None:
    """As if it had not been decided: the link or cut goes, people part or may join again, the pair waits once more."""
    if suggestion.decision is None:
        raise Refused("Nothing was decided about these two.")
    (kind, value), (other_kind, other_value), act_id = suggestion.decision
    ends = [(kind, value), (other_kind, other_value)]
    with transaction.atomic():
        stages.hold("resolve")
        if act_id is not None:
            # It may have been taken back elsewhere: on the page that says why somebody is one person.
            if not Act.objects.filter(takes_back=act_id).exists():
                hand.take_back(act_id, by, "decided anew when the two were compared")
        else:
            _forget_links([Ends(ends[0], ends[1])])
            _judge_anew(ends, identity.load_kinds())
        _wait_again(suggestion, ends)
    stages.wake("evaluate")


def _wait_again(suggestion: Suggestion, ends: Sequence[Identifier]) -> None:
    """Put the pair back into the queue, under the ids that its people have now: whoever parts from another gets a new one."""
    people = sorted(home for home in _homes(ends) if home is not None)
    Suggestion.objects.filter(profile_id=suggestion.profile_id, other_id=suggestion.other_id).delete()
    if len(people) == 2:
        Suggestion.objects.update_or_create(
            profile_id=people[0], other_id=people[1],
            defaults={
                "probability": suggestion.probability, "weight": suggestion.weight, "sure": suggestion.sure,
                "evidence": suggestion.evidence, "state": Suggestion.State.OPEN, "found_at": suggestion.found_at,
                "decided_at": None, "decided_by": "", "decision": None,
            },
        )  # fmt: skip


def join_by_itself(suggestions: Sequence[Suggestion]) -> int:
    """Join those that may be joined without asking; the others are marked as refused and stay for review.

    One transaction, one judgement for all of them. Returns how many were joined.
    """
    with transaction.atomic():
        stages.hold("resolve")
        kinds = identity.load_kinds()
        known = _identifiers({id for one in suggestions for id in (one.profile_id, one.other_id)})
        fitting: list[tuple[Suggestion, Ends]] = []
        for one in suggestions:
            mine, theirs = known.get(one.profile_id, []), known.get(one.other_id, [])
            if mine and theirs and _fit([*mine, *theirs], kinds):
                fitting.append((one, _ordered(_inferable(mine, kinds), _inferable(theirs, kinds))))
        inferred = _infer_links([ends for _, ends in fitting])
        if fitting:
            _judge_anew(_both(ends for _, ends in fitting), kinds)
        joined = [(one, ends) for one, ends in fitting if len(_homes([ends.one, ends.other])) == 1]
        # What the limits refused isn't kept: it would join by surprise, the day that something else gives way.
        if refused := [ends for ends in inferred if len(_homes([ends.one, ends.other])) > 1]:
            _forget_links(refused)
            _judge_anew(_both(refused), kinds)
        for one, found in joined:
            _decide(one, Suggestion.State.JOINED, BY_ITSELF, found)
        done = {(one.profile_id, one.other_id) for one, _ in joined}
        for one in suggestions:
            if (one.profile_id, one.other_id) not in done:
                one.refused = True
                one.save(update_fields=["refused"])
    stages.wake("evaluate")
    return len(joined)


def _decide(suggestion: Suggestion, state: str, by: str, ends: Ends) -> None:
    suggestion.state, suggestion.decided_by, suggestion.decided_at = state, by, timezone.now()
    suggestion.decision = ends.as_json()
    suggestion.save(update_fields=["state", "decided_by", "decided_at", "decision"])


_OF_PROFILES = """
SELECT profile_id, kind_id, value FROM identifier WHERE profile_id = ANY(%b::bigint[]) AND NOT shared AND NOT disputed
"""


def _identifiers(profiles: Iterable[int]) -> dict[int, list[Identifier]]:
    found: dict[int, list[Identifier]] = {}
    for profile, kind, value in sql.rows(_OF_PROFILES, (int8s(sorted(profiles)),)):
        found.setdefault(profile, []).append((kind, value))
    return found


def _strongest(suggestion: Suggestion, kinds: dict[int, Kind]) -> Ends:
    known = _identifiers({suggestion.profile_id, suggestion.other_id})
    sides = [
        [one for one in known.get(id, []) if kinds[one[0]].merges]
        for id in (suggestion.profile_id, suggestion.other_id)
    ]
    if not all(sides):
        raise Refused("One of the two isn't there any more, or is known by nothing but what many share.")
    mine, theirs = (min(side, key=lambda one: strength(one, kinds)) for side in sides)
    return _ordered(mine, theirs)


def _ordered(one: Identifier, other: Identifier) -> Ends:
    return Ends(*pair_of(one, other))


def _inferable(known: list[Identifier], kinds: dict[int, Kind]) -> Identifier:
    """The strongest identifier of which a person may have several: a link of the model to the one user id would stand
    before what is said of it later."""
    able = [one for one in known if kinds[one[0]].merges]
    several = [one for one in able if kinds[one[0]].limit > 1 and kinds[one[0]].identifies]
    return min(several or able or known, key=lambda one: strength(one, kinds))


def _fit(identifiers: list[Identifier], kinds: dict[int, Kind]) -> bool:
    """Whether a person may have all of these."""
    counts: dict[int, int] = {}
    for kind, _ in identifiers:
        counts[kind] = counts.get(kind, 0) + 1
    return all(number <= kinds[kind].limit for kind, number in counts.items() if kinds[kind].merges)


_INFER = """
INSERT INTO identity_link (kind_id, value, other_kind_id, other_value, first, last, stated, by_hand,
                           verdict)
SELECT pair.*, %b::timestamptz, %b::timestamptz, false, false, 0
FROM unnest(%b::smallint[], %b::text[], %b::smallint[], %b::text[]) AS pair (kind_id, value, other_kind_id, other_value)
ON CONFLICT (kind_id, value, other_kind_id, other_value) DO NOTHING
RETURNING kind_id, value, other_kind_id, other_value
"""
_FORGET = """
DELETE FROM identity_link WHERE message_key IS NULL AND NOT by_hand AND (kind_id, value, other_kind_id, other_value)
    IN (SELECT * FROM unnest(%b::smallint[], %b::text[], %b::smallint[], %b::text[]))
"""


def _infer_links(all_ends: Sequence[Ends]) -> list[Ends]:
    """Keep links that aren't stated, where no message has said them yet; returns those."""
    pairs = sorted({(ends.one, ends.other) for ends in all_ends})
    if not pairs:
        return []
    now = timezone.now()
    return [Ends((a, b), (c, d)) for a, b, c, d in sql.rows(_INFER, (now, now, *_columns_of(pairs)))]


def _forget_links(all_ends: Sequence[Ends]) -> None:
    with sql.cursor() as cursor:
        cursor.execute(_FORGET, _columns_of([(ends.one, ends.other) for ends in all_ends]))


def _columns_of(pairs: Sequence[Pair]) -> tuple[Column, ...]:
    return (*columns([one for one, _ in pairs]), *columns([other for _, other in pairs]))


def _both(all_ends: Iterable[Ends]) -> list[Identifier]:
    return [end for ends in all_ends for end in (ends.one, ends.other)]


def _judge_anew(identifiers: Sequence[Identifier], kinds: dict[int, Kind]) -> None:
    placed = identity.rejudge(identifiers, kinds)
    traits.decide(sorted(placed.regrouped))
    changed = sorted(placed.regrouped | placed.gone | placed.given_more)
    now = timezone.now()
    none: list[int] = []
    rows = [(key, profile, none, now) for key, profile in zip(new_ids(len(changed)), changed, strict=True)]
    sql.copy_rows("changed_profile", ["id", "profile_id", "name_ids", "at"], rows)


def _homes(identifiers: Sequence[Identifier]) -> set[int | None]:
    return {profile for _, _, profile, *_ in sql.rows(LOOK_UP, columns(list(identifiers)))}
