"""The queue of pairs that wait for somebody: which, in what order, and what the last run says of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Case, IntegerField, QuerySet, Value, When

from profiles.matching import evidence
from profiles.models import Identifier, IdentifierKind, MatchRun, MatchSettings, Profile, Suggestion

# Pairs whose people are still two are counted one by one up to this many.
COUNTED = 1_000
SHOWN = 30


@dataclass(frozen=True)
class Pair:
    """A suggestion with its two people, as they are now."""

    suggestion: Suggestion
    one: Profile
    other: Profile

    @property
    def address(self) -> str:
        return f"/people/matches/{self.suggestion.profile_id}/{self.suggestion.other_id}/"

    @property
    def later(self) -> bool:
        return self.suggestion.state == Suggestion.State.LATER

    @property
    def rows(self) -> list[evidence.Row]:
        return evidence.rows(self.suggestion.evidence, self.one, self.other)


def _waiting() -> QuerySet[Suggestion]:
    """Those asked about: the surest first, what was put off at the end."""
    return (
        Suggestion.objects.filter(state__in=["open", "later"], probability__gte=MatchSettings.now().asks_above)
        .annotate(put_off=Case(When(state="later", then=Value(1)), default=Value(0), output_field=IntegerField()))
        .order_by("put_off", "-probability", "profile_id", "other_id")
    )


def _living(suggestions: Iterable[Suggestion]) -> list[Pair]:
    """Without those of whom one has become part of somebody, or is gone."""
    found = list(suggestions)
    people = Profile.objects.in_bulk({id for one in found for id in (one.profile_id, one.other_id)})
    return [
        Pair(one, people[one.profile_id], people[one.other_id])
        for one in found
        if one.profile_id in people and one.other_id in people
    ]


def number_waiting() -> int:
    """How many pairs wait (exact up to a thousand)."""
    waiting = _waiting()
    ids = list(waiting.values_list("profile_id", "other_id")[: COUNTED + 1])
    if len(ids) > COUNTED:
        return waiting.count()
    people = set(Profile.objects.filter(id__in={id for pair in ids for id in pair}).values_list("id", flat=True))
    return sum(one in people and other in people for one, other in ids)


def first_pairs() -> list[Pair]:
    return _living(_waiting()[: SHOWN * 2])[:SHOWN]


def pair(one: int, other: int) -> Pair | None:
    """A pair that waits for a decision, if it still does."""
    found = Suggestion.objects.filter(profile_id=one, other_id=other, state__in=["open", "later"])
    return next(iter(_living(found)), None)


def decided(most: int = 20) -> list[tuple[Suggestion, str, str]]:
    """The latest decisions, with whom they were about: (suggestion, names, the living person's id or '')."""
    found = list(Suggestion.objects.filter(decided_at__isnull=False).order_by("-decided_at")[:most])
    people = Profile.objects.in_bulk({id for one in found for id in (one.profile_id, one.other_id)})
    answer = []
    for one in found:
        living = [people[id] for id in (one.profile_id, one.other_id) if id in people]
        names = " and ".join(str(person) for person in living) or "Somebody who is part of another person by now"
        answer.append((one, names, str(living[0].pk) if living else ""))
    return answer


def of_person(profile_ids: Iterable[int]) -> list[Suggestion]:
    """Decisions about somebody, by all ids that the person ever had: why two became one, when that is explained."""
    ids = list(profile_ids)
    decisions = Suggestion.objects.filter(decided_at__isnull=False)
    return sorted({*decisions.filter(profile_id__in=ids), *decisions.filter(other_id__in=ids)}, key=lambda one: one.pk)


def both_have(one: int, other: int) -> list[str]:
    """Kinds of which a person may have fewer than these two have together: a reason to look twice."""
    kinds = {kind.pk: kind for kind in IdentifierKind.objects.filter(role="merge")}
    counts: dict[int, int] = {}
    for kind in Identifier.objects.filter(profile_id__in=[one, other]).values_list("kind_id", flat=True):
        counts[kind] = counts.get(kind, 0) + 1
    return [
        f"Together they have {number} identifiers of the kind “{kinds[kind].label.lower()}”, and a person has at most"
        f" {kinds[kind].limit_per_profile}: the model would never join them by itself."
        for kind, number in sorted(counts.items())
        if kind in kinds and number > kinds[kind].limit_per_profile
    ]


def last_run() -> MatchRun | None:
    return MatchRun.objects.first()


def last_success() -> MatchRun | None:
    return MatchRun.objects.filter(taken_in_at__isnull=False).first()


def precision_at(run: MatchRun | None, threshold: float) -> float | None:
    """The estimated share of pairs above this threshold that are one person's, by the last run."""
    curve = run.outcome.get("curve", []) if run else []
    fitting = [share for at, number, share in curve if at >= threshold - 1e-9 and number]
    return fitting[0] if fitting else None
