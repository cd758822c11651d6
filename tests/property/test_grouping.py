"""Who is one person is a function of the evidence alone, and the quick way is the plain one."""

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.grouping import (
    ATTACH,
    CUT,
    DAY,
    MERGE,
    SHARED,
    SUGGEST,
    TAKEN,
    WEAK,
    Evidence,
    Grouping,
    Terms,
    group,
)

USER, EMAIL, DEVICE, ORDER, PRINT, BROWSER = range(1, 7)
TERMS = {
    USER: Terms(1, limit=1, shared_above=3),
    EMAIL: Terms(2, limit=2, shared_above=2, yields_after=30),
    DEVICE: Terms(3, limit=3, names_people=False, shared_above=2),
    ORDER: Terms(4, limit=1_000, role=ATTACH, names_people=False),
    BROWSER: Terms(5, limit=2, names_people=False, shared_above=2),
    PRINT: Terms(6, limit=1_000, role=SUGGEST, names_people=False),
}

kinds = st.lists(st.sampled_from(sorted(TERMS)), min_size=2, max_size=14).map(sorted)


@st.composite
def histories(draw: st.DrawFn) -> Evidence:
    """Some identifiers, random links between them, some stated, and cuts."""
    of = draw(kinds)
    places = st.integers(0, len(of) - 1)
    pairs = st.tuples(places, places).filter(lambda pair: pair[0] < pair[1])
    links = draw(st.lists(pairs, max_size=30, unique=True))
    days = draw(st.lists(st.integers(0, 90), min_size=len(links), max_size=len(links)))
    more = draw(st.lists(st.integers(0, 60), min_size=len(links), max_size=len(links)))
    stated = [draw(st.integers(0, 9)) == 0 and of[one] == of[other] == USER for one, other in links]
    cuts = draw(st.lists(pairs, max_size=3, unique=True))
    return Evidence(
        np.array(of), *np.array(links, np.int64).reshape(-1, 2).T, np.array(days, np.int64) * DAY,
        (np.array(days, np.int64) + np.array(more, np.int64)) * DAY, np.array(stated, bool),
        np.array(cuts, np.int64).reshape(-1, 2), np.zeros(len(of), bool),
    )  # fmt: skip


def disputed_plainly(
    evidence: Evidence,
    shared: set[int],
    merging: Callable[[int, int], bool],
    outlived: Callable[[int, int, int], bool],
) -> set[int]:
    """What several users claim whom nobody stated to be one."""
    of = evidence.kinds.tolist()
    stated = [pair for pair, said in zip(_pairs(evidence), evidence.stated.tolist(), strict=True) if said]
    persons = {place: {place} for place in range(len(of))}
    for one, other in stated:
        both = persons[one] | persons[other]
        persons |= dict.fromkeys(both, both)
    cuts = {frozenset(cut) for cut in evidence.cuts.tolist()}
    claimants = defaultdict(set)
    for (one, other), last, said in zip(
        _pairs(evidence), evidence.last.tolist(), evidence.stated.tolist(), strict=True
    ):
        for user, claimed in ((one, other), (other, one)):
            counts = of[user] == USER != of[claimed] and merging(one, other) and not outlived(one, other, last)
            if counts and not said and user not in shared and {one, other} not in cuts:
                claimants[claimed].add(min(persons[user]))
    found = {claimed for claimed, some in claimants.items() if len(some) > 1}
    return found - shared - {end for pair in stated for end in pair}


def _pairs(evidence: Evidence) -> list[tuple[int, int]]:
    return list(zip(evidence.one.tolist(), evidence.other.tolist(), strict=True))


def plainly(evidence: Evidence) -> list[int]:
    """The same by the book: every link in its order, sets of identifiers, no shortcut."""
    of = evidence.kinds.tolist()
    links = list(
        zip(evidence.one.tolist(), evidence.other.tolist(), evidence.first.tolist(), evidence.last.tolist(),
            evidence.stated.tolist(), strict=True)
    )  # fmt: skip

    def merging(one: int, other: int) -> bool:
        return TERMS[of[one]].role == TERMS[of[other]].role == MERGE

    seen_with = defaultdict(set)
    for one, other, _, _, stated in links:
        if not stated and merging(one, other):
            seen_with[one].add(other)
            seen_with[other].add(one)
    shared = {
        place for place, others in seen_with.items()
        for number in Counter(of[other] for other in others if TERMS[of[other]].names_people).values()
        if 0 < TERMS[of[place]].shared_above < number
    }  # fmt: skip
    for place, others in seen_with.items():
        for kind, number in Counter(of[other] for other in others).items():
            unnamed = not TERMS[kind].names_people and not TERMS[of[place]].names_people
            if unnamed and TERMS[kind].rank > TERMS[of[place]].rank and number > TERMS[kind].limit:
                shared.add(place)
    latest: dict[int, int] = {}
    cuts = [set(cut) for cut in evidence.cuts.tolist()]
    for one, other, _, last, _ in links:
        if {one, other} in cuts or not merging(one, other):
            continue
        weaker = one if TERMS[of[one]].rank > TERMS[of[other]].rank else other
        latest[weaker] = max(latest.get(weaker, last), last)

    def outlived(one: int, other: int, last: int) -> bool:
        weaker = one if TERMS[of[one]].rank > TERMS[of[other]].rank else other
        patience = TERMS[of[weaker]].yields_after * DAY
        return merging(one, other) and patience > 0 and last < latest.get(weaker, last) - patience

    lost = shared | disputed_plainly(evidence, shared, merging, outlived)

    def place_in_line(link: tuple[int, int, int, int, bool]) -> tuple[object, ...]:
        one, other, first, last, stated = link
        strong, weak = sorted((TERMS[of[one]].rank, TERMS[of[other]].rank))
        return not stated, weak, strong, outlived(one, other, last), first, one, other

    people = {place: {place} for place in range(len(of))}
    for one, other, _, _, stated in sorted(links, key=place_in_line):
        if (not stated and (one in lost or other in lost)) or people[one] is people[other]:
            continue
        roles = {TERMS[of[one]].role, TERMS[of[other]].role}
        if SUGGEST in roles or ATTACH in roles:
            continue
        mine, theirs = (Counter(of[place] for place in people[end]) for end in (one, other))
        fits = all(mine[kind] + theirs[kind] <= TERMS[kind].limit for kind in mine.keys() & theirs.keys())
        both = people[one] | people[other]
        if (fits or stated) and not any(cut <= both for cut in cuts):
            for place in both:
                people[place] = both
    found = [min(people[place]) for place in range(len(of))]
    # Weakest first, so that the first of the line has the last word.
    for one, other, _, _, stated in sorted(links, key=place_in_line, reverse=True):
        if stated or not (one in lost or other in lost):
            for leaf, host in ((one, other), (other, one)):
                if TERMS[of[leaf]].role == ATTACH and TERMS[of[host]].role == 0:
                    found[leaf] = min(people[host])
    first: dict[int, int] = {}
    return [first.setdefault(one, place) for place, one in enumerate(found)]


@settings(deadline=None)
@given(histories())
def test_the_quick_way_gives_what_the_plain_way_gives(evidence: Evidence) -> None:
    assert group(evidence, TERMS).groups.tolist() == plainly(evidence)


@settings(deadline=None)
@given(histories(), st.randoms())
def test_the_order_of_the_links_plays_no_part(evidence: Evidence, random: object) -> None:
    order = np.random.default_rng(random.randrange(2**32)).permutation(len(evidence.one))  # type: ignore[attr-defined]
    columns = (evidence.one, evidence.other, evidence.first, evidence.last, evidence.stated)
    one, other, *rest = (column[order] for column in columns)
    shuffled = group(Evidence(evidence.kinds, other, one, *rest, evidence.cuts[::-1], evidence.shared), TERMS)
    found = group(evidence, TERMS)
    assert shuffled.groups.tolist() == found.groups.tolist()
    assert shuffled.verdicts.tolist() == found.verdicts[order].tolist()


@settings(deadline=None)
@given(histories())
def test_limits_and_cuts_hold(evidence: Evidence) -> None:
    found = group(evidence, TERMS)
    held = Counter(zip(found.groups.tolist(), evidence.kinds.tolist(), strict=True))
    over = {of for (of, kind), number in held.items() if number > TERMS[kind].limit}
    assert over <= set(found.groups[evidence.one[evidence.stated]].tolist())
    for one, other in evidence.cuts.tolist():
        if TERMS[int(evidence.kinds[one])].role != ATTACH and TERMS[int(evidence.kinds[other])].role != ATTACH:
            assert found.groups[one] != found.groups[other]


@settings(deadline=None)
@given(histories())
def test_every_link_that_joins_nothing_has_its_reason(evidence: Evidence) -> None:
    found = group(evidence, TERMS)
    for place, verdict in enumerate(found.verdicts.tolist()):
        one, other = int(evidence.one[place]), int(evidence.other[place])
        assert (verdict == TAKEN) == (found.groups[one] == found.groups[other])
        if verdict == SHARED:
            assert (found.shared | found.disputed)[[one, other]].any()
        if verdict == WEAK:
            assert PRINT in evidence.kinds[[one, other]]
        if verdict == CUT:
            sides = [set(np.flatnonzero(found.groups == found.groups[end]).tolist()) for end in (one, other)]
            assert any({*cut} & sides[0] and {*cut} & sides[1] for cut in evidence.cuts.tolist()), (
                "the cut that forbade it stands between the two groups"
            )


def evidence_of(of: list[int], *links: tuple[int, int, int]) -> Grouping:
    """Links as (one, other, day)."""
    one, other, day = np.array(links, np.int64).reshape(-1, 3).T
    none = np.empty((0, 2), np.int64)
    no = np.zeros(len(links), bool)
    return group(Evidence(np.array(of), one, other, day * DAY, day * DAY, no, none, np.zeros(len(of), bool)), TERMS)


def test_two_user_ids_never_merge_through_a_familys_address_and_neither_gets_it() -> None:
    found = evidence_of([USER, USER, EMAIL], (0, 2, 1), (1, 2, 5))
    assert found.groups.tolist() == [0, 1, 2]
    assert found.verdicts.tolist() == [SHARED, SHARED]
    assert found.disputed.tolist() == [False, False, True]


def test_what_two_user_ids_claim_that_are_one_persons_is_his() -> None:
    none = np.empty((0, 2), np.int64)
    day = np.zeros(3, np.int64)
    links = np.array([[0, 2], [1, 2], [0, 1]]).T
    told = np.array([False, False, True])
    found = group(Evidence(np.array([USER, USER, EMAIL]), *links, day, day, told, none, np.zeros(3, bool)), TERMS)
    assert found.groups.tolist() == [0, 0, 0]
    assert not found.disputed.any()


def test_an_address_given_anew_goes_to_who_uses_it_now() -> None:
    found = evidence_of([USER, USER, EMAIL], (0, 2, 1), (1, 2, 50))
    assert found.groups.tolist() == [0, 1, 1]


def test_a_kiosk_joins_nobody() -> None:
    found = evidence_of([EMAIL, EMAIL, EMAIL, DEVICE], (0, 3, 1), (1, 3, 2), (2, 3, 3))
    assert found.groups.tolist() == [0, 1, 2, 3]
    assert found.shared.tolist() == [False, False, False, True]
    assert set(found.verdicts.tolist()) == {SHARED}


def test_a_long_chain_within_the_limits_is_one_person() -> None:
    of = [USER, EMAIL, EMAIL, DEVICE, DEVICE, DEVICE]
    found = evidence_of(of, *((one, other, 1) for one, other in pairwise(range(6))))
    assert set(found.groups.tolist()) == {0}
