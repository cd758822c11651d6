"""Why somebody is one person: identifiers, the links between them with their evidence, and the links that join nothing.

Bounded: of weak kinds that a person gathers by the hundred the first few are shown, and the rest is counted. Cost: some
eight statements over that person's own rows and the links at what is shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from cdp_site import sql
from cdp_site.arrays import int2s, int8s, uuids
from profiles import plans, why
from profiles.called import full_names, names_of
from profiles.component import columns
from profiles.disputes import claimants
from profiles.gather import LOOK_UP
from profiles.grouping import CUT, LIMIT, SHARED, TAKEN, WEAK
from profiles.identifiers import DEVICE, Identifier, Kind, Pair, strength
from profiles.inferred import inferred
from profiles.why import Claim, Told

MOST_OF_STRONG, MOST_OF_WEAK = 12, 6
MOST_LINKS, MOST_REFUSED = 2_000, 40


@dataclass(frozen=True)
class Node:
    """An identifier; `profile_id`: whom it leads to."""

    identifier: Identifier
    label: str
    profile_id: int | None
    shared: bool
    disputed: bool
    source_id: int | None = None
    first_seen: datetime | None = None

    @property
    def value(self) -> str:
        return self.identifier[1]

    @property
    def means_nobody(self) -> bool:
        return self.shared or self.disputed


@dataclass(frozen=True)
class Tie:
    """A link with its evidence: the message that said so first (None: said by hand alone), the month of the last that did.
    `why`: in words, why it joins nothing; '' where it joins. `key` names it in addresses, which hold no personal data."""

    one: Node
    other: Node
    source_id: int | None
    message_key: str | None
    first: datetime | None
    last: datetime | None
    stated: bool
    by_hand: bool
    verdict: int
    why: str = ""
    event: tuple[int, int] | None = None
    # Of what is disputed: who else claims it, and whether this link is one of the claims. How sure the matching was, if it
    # and no message said so.
    claimants: tuple[int, ...] = ()
    is_claim: bool = False
    probability: float | None = None

    @property
    def disputed(self) -> bool:
        return not (self.one.shared or self.other.shared) and (self.one.disputed or self.other.disputed)

    @property
    def ends(self) -> tuple[Node, Node]:
        return self.one, self.other

    @property
    def of(self) -> int | None:
        """Whose claim on what is disputed it is."""
        return next((node.profile_id for node in self.ends if not node.means_nobody), None)

    @property
    def pair(self) -> Pair:
        return self.one.identifier, self.other.identifier

    @property
    def key(self) -> str:
        return blake2b(repr(self.pair).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class Explained:
    """`more`: how many of each kind aren't shown; `names`: the people at the other ends, by id."""

    nodes: list[Node]
    ties: list[Tie]
    refused: list[Tie]
    more: list[tuple[str, int]]
    more_refused: int
    records: int
    names: dict[int, str] = field(default_factory=dict)


_SHOWN = """
SELECT kind_id, value, source_id, first_seen, shared, disputed, number FROM (
    SELECT kind_id, value, source_id, first_seen, shared, disputed,
           row_number() OVER (PARTITION BY kind_id ORDER BY first_seen, value) AS place,
           count(*) OVER (PARTITION BY kind_id) AS number
    FROM identifier WHERE profile_id = %(profile)b
) AS mine
WHERE place <= CASE WHEN kind_id >= %(weak)b THEN %(few)b ELSE %(many)b END
"""
# Both ends of each identifier's links, some thousand at most (a kiosk's device has as many as customers).
_LINKS = """
SELECT DISTINCT link.* FROM unnest(%(kinds)b::smallint[], %(values)b::text[]) AS node (kind_id, value), LATERAL (
    (SELECT kind_id, value, other_kind_id, other_value, source_id, message_key::text, first, last, stated, by_hand, verdict
     FROM identity_link WHERE kind_id = node.kind_id AND value = node.value AND other_kind_id <> ALL(%(attach)b::smallint[])
     LIMIT %(most)b)
    UNION ALL
    (SELECT kind_id, value, other_kind_id, other_value, source_id, message_key::text, first, last, stated, by_hand, verdict
     FROM identity_link WHERE other_kind_id = node.kind_id AND other_value = node.value AND kind_id <> ALL(%(attach)b::smallint[])
     LIMIT %(most)b)
) AS link
"""


def explain(profile_id: int, kinds: Mapping[int, Kind]) -> Explained:
    """All that a page about it needs."""
    labels = _labels()
    mine, more, records = _mine(profile_id, kinds, labels)
    attach = int2s([id for id, kind in kinds.items() if kind.role == "attach"])
    places = columns(sorted(mine))
    rows = sql.rows(_LINKS, {"kinds": places[0], "values": places[1], "attach": attach, "most": MOST_LINKS})
    far = sorted({end for row in rows for end in ((row[0], row[1]), (row[2], row[3]))} - mine.keys())
    nodes = {
        (kind, value): Node((kind, value), labels[kind], home, shared, disputed)
        for kind, value, home, shared, disputed in (sql.rows(LOOK_UP, columns(far)) if far else [])
    } | mine
    ties = [
        _tie(nodes[row[0], row[1]], nodes[row[2], row[3]], row[4:], kinds)
        for row in rows
        if (row[0], row[1]) in nodes and (row[2], row[3]) in nodes
    ]
    taken = [
        tie for tie in ties if tie.verdict == TAKEN and tie.one.identifier in mine and tie.other.identifier in mine
    ]
    refused = [tie for tie in ties if tie.verdict != TAKEN]
    refused.sort(key=lambda tie: (tie.verdict == SHARED, tie.first or plans.UNSAID_LAST))
    shown = refused[:MOST_REFUSED]
    claims = claimants((node.identifier for tie in shown for node in (tie.one, tie.other) if node.disputed), kinds)
    homes = plans.known_homes(end for some in claims.values() for end in some)
    beside = {one: [homes.get(end) for end in some] for one, some in claims.items()}
    names = names_of(
        {node.profile_id for tie in shown for node in (tie.one, tie.other)} - {profile_id}
        | {home for some in beside.values() for home in some} - {profile_id}
    )
    told = Told(profile_id, names, labels, kinds)
    events = events_of([tie.message_key for tie in (*taken, *shown)])
    sure = inferred(plans.ids_of(profile_id)).links
    return Explained(
        sorted(mine.values(), key=lambda node: strength(node.identifier, kinds)),
        [_with(tie, events, sure) for tie in sorted(taken, key=lambda tie: [strength(end, kinds) for end in tie.pair])],
        [
            replace(
                _with(tie, events, sure, words),
                claimants=_others(tie, beside, profile_id),
                is_claim=any(one in claims.get(other, []) for one, other in (tie.pair, tie.pair[::-1])),
            )
            for tie, words in zip(shown, _reasons(shown, beside, told), strict=True)
        ],
        more,
        len(refused) - len(shown),
        records,
        names,
    )


def _labels() -> dict[int, str]:
    return dict(sql.rows("SELECT id, label FROM identifier_kind"))


def _mine(
    profile_id: int, kinds: Mapping[int, Kind], labels: Mapping[int, str]
) -> tuple[dict[Identifier, Node], list[tuple[str, int]], int]:
    rows = sql.rows(
        _SHOWN, {"profile": profile_id, "weak": DEVICE, "few": MOST_OF_WEAK, "many": MOST_OF_STRONG}
    )  # fmt: skip
    found: dict[Identifier, Node] = {}
    numbers: dict[int, int] = {}
    records = 0
    for kind, value, source, first_seen, shared, disputed, number in rows:
        if kinds[kind].role == "attach":
            records = number
            continue
        found[kind, value] = Node((kind, value), labels[kind], profile_id, shared, disputed, source, first_seen)
        numbers[kind] = number
    shown = {kind: sum(one[0] == kind for one in found) for kind in numbers}
    more = [(labels[kind], number - shown[kind]) for kind, number in sorted(numbers.items()) if number > shown[kind]]
    return found, more, records


def _tie(one: Node, other: Node, rest: Sequence[object], kinds: Mapping[int, Kind]) -> Tie:
    source, key, first, last, stated, by_hand, verdict = rest
    assert isinstance(first, datetime) and isinstance(last, datetime) and isinstance(verdict, int)
    if any(kinds[node.identifier[0]].role == "suggest" for node in (one, other)):  # Never judged.
        verdict = WEAK
    # A link at what means nobody was perhaps never judged: it needn't be.
    elif (one.means_nobody or other.means_nobody) and not stated:
        verdict = SHARED
    elif one.profile_id is None or one.profile_id != other.profile_id:
        verdict = verdict or LIMIT
    else:
        verdict = TAKEN
    said = first < plans.UNSAID_FIRST
    return Tie(
        one, other, source if isinstance(source, int) else None, str(key) if key else None,
        first if said else None, last if said else None, bool(stated), bool(by_hand), verdict,
    )  # fmt: skip


def _with(tie: Tie, events: Mapping[str, tuple[int, int]], sure: Mapping[Pair, float], words: str = "") -> Tie:
    guessed = tie.message_key is None and not tie.stated
    probability = sure.get(tie.pair) if guessed else None
    return replace(tie, why=words, event=events.get(tie.message_key or ""), probability=probability)


def _others(tie: Tie, beside: Mapping[Identifier, Sequence[int | None]], profile_id: int) -> tuple[int, ...]:
    homes = {home for end in tie.pair for home in beside.get(end, []) if home not in (None, profile_id)}
    return tuple(sorted(home for home in homes if home is not None))


_EVENTS_OF = "SELECT key::text, event_id FROM message WHERE key = ANY(%b::uuid[])"
_AT = "SELECT id, profile_id FROM event WHERE id = ANY(%b::bigint[])"


def events_of(keys: Iterable[str | None]) -> dict[str, tuple[int, int]]:
    """(person, event) that messages are stored as, by the message's key."""
    wanted = sorted({UUID(key).bytes for key in keys if key})
    found = dict(sql.rows(_EVENTS_OF, (uuids(wanted),))) if wanted else {}
    people = dict(sql.rows(_AT, (int8s(sorted(found.values())),))) if found else {}
    return {key: (people[event], event) for key, event in found.items() if event in people}


_SEEN_WITH = """
SELECT shared.kind_id, shared.value, beside.kind_id, count(*)
FROM unnest(%b::smallint[], %b::text[]) AS shared (kind_id, value), LATERAL (
    (SELECT kind_id FROM identity_link WHERE other_kind_id = shared.kind_id AND other_value = shared.value LIMIT 1000)
    UNION ALL
    (SELECT other_kind_id FROM identity_link WHERE kind_id = shared.kind_id AND value = shared.value LIMIT 1000)
) AS beside (kind_id) GROUP BY 1, 2, 3
"""
_COUNTS = "SELECT profile_id, kind_id, count(*) FROM identifier WHERE profile_id = ANY(%b::bigint[]) GROUP BY 1, 2"
# Who else claims what these links claim, and was believed.
_RIVALS = """
(SELECT other_kind_id, other_value, kind_id, value, first, last FROM identity_link
 WHERE (other_kind_id, other_value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[])) AND verdict = 0
 LIMIT 500)
UNION ALL
(SELECT kind_id, value, other_kind_id, other_value, first, last FROM identity_link
 WHERE (kind_id, value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[])) AND verdict = 0
 LIMIT 500)
"""
_CUTS = """
SELECT kind_id, value, other_kind_id, other_value, by, at, reason FROM identity_cut
WHERE (kind_id, value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
   OR (other_kind_id, other_value) IN (SELECT * FROM unnest(%(kinds)b::smallint[], %(values)b::text[]))
"""


def _reasons(ties: Sequence[Tie], claimed: Mapping[Identifier, Sequence[int | None]], told: Told) -> list[str]:
    """Why these join nothing, each in words. Four statements, however many there are."""
    by_verdict = {verdict: [tie for tie in ties if tie.verdict == verdict] for verdict in (SHARED, LIMIT, CUT, WEAK)}
    shared = sorted({node.identifier for tie in by_verdict[SHARED] for node in (tie.one, tie.other) if node.shared})
    seen: dict[Identifier, dict[int, int]] = {}
    for kind, value, beside, number in sql.rows(_SEEN_WITH, columns(shared)) if shared else []:
        seen.setdefault((kind, value), {})[beside] = number
    limited = by_verdict[LIMIT]
    homes = sorted({id for tie in limited for id in (tie.one.profile_id, tie.other.profile_id) if id is not None})
    counts: dict[int, dict[int, int]] = {}
    for profile, kind, number in sql.rows(_COUNTS, (int8s(homes),)) if homes else []:
        counts.setdefault(profile, {})[kind] = number
    rivals = _rivals(sorted({_claim(tie, told.kinds).other for tie in limited}), told.kinds)
    cuts = _cuts({end for tie in by_verdict[CUT] for end in tie.pair})
    found = []
    for tie in ties:
        claim = _claim(tie, told.kinds)
        if tie.verdict == SHARED:
            node = next(
                node for node in sorted((tie.other, tie.one), key=lambda node: not node.shared) if node.means_nobody
            )
            one = node.identifier
            found.append(
                why.shared(one, seen.get(one, {}), told)
                if node.shared
                else why.disputed(one, claimed.get(one, []), told)
            )
        elif tie.verdict == CUT:
            found.append(why.cut(claim, cuts, told))
        elif tie.verdict == WEAK:
            found.append(why.weak(claim, told))
        else:
            found.append(why.limit(claim, rivals.get(claim.other, []), counts, told))
    return found


def _claim(tie: Tie, kinds: Mapping[int, Kind]) -> Claim:
    """The link as the stronger identifier's claim on the weaker one, whatever the kinds' numbers."""
    one, other = sorted(tie.ends, key=lambda node: strength(node.identifier, kinds))
    return Claim(one.identifier, other.identifier, one.profile_id, other.profile_id, tie.first, tie.last)


def _rivals(weaker: Sequence[Identifier], kinds: Mapping[int, Kind]) -> dict[Identifier, list[Claim]]:
    places = columns(weaker)
    rows = sql.rows(_RIVALS, {"kinds": places[0], "values": places[1]}) if weaker else []
    rows = [row for row in rows if strength((row[2], row[3]), kinds) < strength((row[0], row[1]), kinds)]
    homes = plans.known_homes({*weaker, *((row[2], row[3]) for row in rows)}) if rows else {}
    found: dict[Identifier, list[Claim]] = {}
    for kind, value, by_kind, by_value, first, last in rows:
        one, other = (by_kind, by_value), (kind, value)
        home = homes.get(other)
        if home is not None and homes.get(one) == home:
            found.setdefault(other, []).append(Claim(one, other, home, home, first, last))
    return found


def _cuts(ends: set[Identifier]) -> list[why.Apart]:
    if not ends:
        return []
    homes = sorted({home for home in plans.known_homes(ends).values() if home is not None})
    rows = sql.rows(
        "SELECT kind_id, value FROM identifier WHERE profile_id = ANY(%b::bigint[]) LIMIT 5000", (int8s(homes),)
    )
    kinds, values = columns(sorted(ends | {(kind, value) for kind, value in rows}))
    cuts = sql.rows(_CUTS, {"kinds": kinds, "values": values})
    accounts = full_names(by for *_, by, _, _ in cuts)
    leads = plans.known_homes({end for a, b, c, d, *_ in cuts for end in ((a, b), (c, d))}) if cuts else {}
    return [
        why.Apart((a, b), (c, d), leads.get((a, b)), leads.get((c, d)), accounts.get(by, by), at, reason)
        for a, b, c, d, by, at, reason in cuts
    ]
