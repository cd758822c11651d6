"""What the matching joined by itself, and how sure it was: for the pages that explain who is one person."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from profiles.identifiers import Pair, pair_of
from profiles.models import Suggestion

BY_ITSELF = "the model"


@dataclass(frozen=True)
class Inferred:
    """How probable it was that two are one: by the link that joined them, and by their ids at the time."""

    links: dict[Pair, float]
    people: dict[frozenset[int], float]


def inferred(ids: Iterable[int]) -> Inferred:
    """Of somebody with all ids that they ever had. Cost: one statement over two indexes."""
    some = sorted({*ids})
    of_them = Q(profile_id__in=some) | Q(other_id__in=some)
    found = Suggestion.objects.filter(of_them, state=Suggestion.State.JOINED, decided_by=BY_ITSELF)
    links, people = {}, {}
    for one in found:
        (kind, value), (other_kind, other_value), *_ = one.decision or [(0, ""), (0, "")]
        links[pair_of((kind, value), (other_kind, other_value))] = one.probability
        people[frozenset((one.profile_id, one.other_id))] = one.probability
    return Inferred(links, people)
