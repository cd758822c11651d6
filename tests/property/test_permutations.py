"""The same evidence makes the same people: hundreds of histories, each in two orders, with two workers at once."""

import json
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec
import pytest
from django.db import connection, transaction
from django.utils import timezone

from cdp_site import sql, stages
from cdp_site.checks import run_all
from profiles import component, identity, inbox, resolve, traits
from profiles.grouping import CUT, LIMIT, SHARED
from profiles.identifiers import ANONYMOUS, CARD, DEVICE, Identifier, Pair, pair_of
from profiles.models import Cut, IdentifierKind
from tests.factories import SourceFactory
from tests.property.histories import RULES, History, Message, Space, history

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
HISTORIES = 520
# So many are played at the same time, in batches that cut through all of them.
AT_ONCE = 26
SEED = 3


class Worker(threading.Thread):
    """Drains the inbox over a connection of its own, as another process would."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.batches = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while sql.rows("SELECT 1 FROM inbox WHERE done_at IS NULL LIMIT 1"):
                self.batches += bool(stages.attempt(resolve.drain_some, tries=20))
        except BaseException as failure:  # noqa: BLE001 - told by the test
            self.failure = failure
        finally:
            connection.close()


def start_workers() -> list[Worker]:
    workers = [Worker(), Worker()]
    for worker in workers:
        worker.start()
    return workers


def wait_for(workers: Iterable[Worker]) -> list[int]:
    for worker in workers:
        worker.join()
        if worker.failure:
            raise worker.failure
    return [worker.batches for worker in workers]


def post(source: int, said: Sequence[tuple[Space, Message]], rnd: random.Random) -> None:
    """Put messages into the inbox, a few a body."""
    waiting = [msgspec.json.encode(space.sent(message)) for space, message in said]
    while waiting:
        size = rnd.randrange(1, 6)
        inbox.store_lines(source, waiting[:size])
        del waiting[:size]


def cut(spaces: Iterable[tuple[Space, History]]) -> None:
    """Say of some identifiers that they aren't one person's."""
    kinds = identity.load_kinds()
    for space, played in spaces:
        pairs = [pair_of(space.identifier(*one), space.identifier(*other)) for one, other in played.cuts]
        if not pairs:
            continue

        def forbid(pairs: Sequence[Pair] = pairs) -> int:
            with transaction.atomic():
                now = timezone.now()
                Cut.objects.bulk_create(
                    [Cut(kind_id=a, value=b, other_kind_id=c, other_value=d, at=now) for (a, b), (c, d) in pairs],
                    ignore_conflicts=True,
                )
                placed = identity.rejudge({one for pair in pairs for one in pair}, kinds)
                traits.decide(sorted(placed.regrouped))
            return 1

        stages.attempt(forbid, tries=20)


def play(source: int, histories: Sequence[History], rnd: random.Random) -> list[list[Space]]:
    """Each history in two name spaces, in an order of its own in each, some messages twice; cuts in the middle."""
    spaces = [[Space(number * 2 + turn, source) for turn in range(2)] for number in range(len(histories))]
    for start in range(0, len(histories), AT_ONCE):
        first: list[tuple[Space, Message]] = []
        second: list[tuple[Space, Message]] = []
        some = list(zip(histories[start : start + AT_ONCE], spaces[start : start + AT_ONCE], strict=True))
        for one, turns in some:
            for space in turns:
                for message in one.messages:
                    for half in (first, second) if rnd.random() < 0.1 else (rnd.choice((first, second)),):
                        half.append((space, message))
        rnd.shuffle(first)
        rnd.shuffle(second)
        post(source, first, rnd)
        wait_for(start_workers())
        post(source, second, rnd)
        workers = start_workers()
        cut((space, one) for one, turns in some for space in turns)
        wait_for(workers)
    return spaces


def judged() -> component.Judgement:
    """What all the evidence makes, judged at once by the pure function."""
    names: set[Identifier] = {(kind, value) for kind, value in sql.rows("SELECT kind_id, value FROM identifier")}
    rows = sql.rows("SELECT kind_id, value, other_kind_id, other_value, first, last, stated FROM identity_link")
    links = {((a, b), (c, d)): component.Said(*said, 0) for a, b, c, d, *said in rows}
    links = {pair: said for pair, said in links.items() if names.issuperset(pair)}
    found = sql.rows("SELECT kind_id, value, other_kind_id, other_value FROM identity_cut")
    cuts = {((a, b), (c, d)) for a, b, c, d in found if (a, b) in names and (c, d) in names}
    evidence = component.Component(homes=dict.fromkeys(names), links=links, cuts=cuts)
    return component.judge(evidence, identity.load_kinds())


def somebody(judgement: component.Judgement) -> set[frozenset[Identifier]]:
    """The groups that a message found: only those are people."""
    first = set()
    for (text,) in sql.rows("SELECT DISTINCT identifiers::text FROM event"):
        said = [(kind, value) for kind, value in json.loads(text)]
        first.add(next((one for one in said if not judgement.means_nobody(one)), said[0]))
    return {frozenset(some) for some in judgement.groups if not first.isdisjoint(some)}


_KNOWN = """
SELECT profile.id, identified, contested, traits::text, first_seen, last_seen,
       (SELECT array_agg(time ORDER BY time) FROM event WHERE profile_id = profile.id)
FROM profile
"""
_RECORDS = "SELECT profile_id, external_id, value, status, opened_at, updated_at, properties::text FROM record"


class People:
    """Everybody by now: with their identifiers, what is known of them, when their messages came, their orders."""

    def __init__(self) -> None:
        self.identifiers: dict[int, set[Identifier]] = defaultdict(set)
        for kind, value, profile in sql.rows("SELECT kind_id, value, profile_id FROM identifier WHERE profile_id > 0"):
            self.identifiers[profile].add((kind, value))
        self.known = {profile: known for profile, *known in sql.rows(_KNOWN)}
        self.records: dict[int, list[list[object]]] = defaultdict(list)
        for profile, *record in sql.rows(_RECORDS):
            self.records[profile].append(record)

    def of(self, spaces: Sequence[Space]) -> list[dict[str, str]]:
        """What is known in each of these name spaces, told without its prefix, by the person's identifiers."""
        found: list[dict[str, str]] = []
        for space in spaces:
            everybody = {}
            for profile in self.by_prefix[space.number]:
                plain = sorted(space.plain(one) for one in self.identifiers[profile])
                told = json.dumps([self.known[profile], sorted(self.records[profile], key=str)], default=str)
                everybody[str(plain)] = told.replace(space.prefix, "").replace(space.prefix.upper(), "")
            found.append(everybody)
        return found

    def sort_by(self, spaces: Iterable[Space]) -> None:
        """Whose profile is in which name space."""
        by_text = {space.prefix: space.number for space in spaces}
        self.by_prefix: dict[int, set[int]] = defaultdict(set)
        for profile, some in self.identifiers.items():
            for _, value in some:
                number = (int(value[4:]) - 10_000_000) // 26 if value.startswith("+346") else by_text[_prefix(value)]
                self.by_prefix[number].add(profile)


def _prefix(value: str) -> str:
    return value.split(":")[-1].lower()[:6]


def counted(query: str) -> int:
    return int(sql.rows(query)[0][0])  # type: ignore[arg-type]


def play_and_compare(number: int, monkeypatch: pytest.MonkeyPatch) -> component.Judgement:
    """Play so many histories; assert that all is as it should be. Returns what the evidence says."""
    for kind, (limit, shared, yields) in RULES.items():
        IdentifierKind.objects.filter(id=kind).update(limit_per_profile=limit, shared_above=shared, yields_after=yields)
    monkeypatch.setattr(resolve, "BATCH_MESSAGES", 25)
    rnd = random.Random(SEED)
    histories = [history(rnd) for _ in range(number)]
    spaces = play(SourceFactory().id, histories, rnd)

    judgement = judged()
    people = People()
    assert {frozenset(some) for some in people.identifiers.values()} == somebody(judgement), "as the evidence says"
    people.sort_by(space for turns in spaces for space in turns)
    differ = []
    for played, turns in zip(histories, spaces, strict=True):
        one, other = people.of(turns)
        if _without_phones(one) != _without_phones(other):
            differ.append((played, one, other))
    assert not differ, f"{len(differ)} histories differ, for one: {differ[0]}"
    merging = {id for id, kind in identity.load_kinds().items() if kind.merges}
    stored = sql.rows("SELECT kind_id, value, other_kind_id, other_value, verdict FROM identity_link")
    wrong = [
        (pair, verdict, judgement.verdicts[pair])
        for a, b, c, d, verdict in stored
        if {a, c} <= merging
        and (pair := ((a, b), (c, d))) in judgement.verdicts
        and verdict != judgement.verdicts[pair]
    ]
    assert wrong == [], "each link has the verdict that the evidence gives it"
    assert judgement.shared == {(a, b) for a, b in sql.rows("SELECT kind_id, value FROM identifier WHERE shared")}
    assert judgement.disputed == {(a, b) for a, b in sql.rows("SELECT kind_id, value FROM identifier WHERE disputed")}
    assert [finding for finding in run_all() if not finding.ok] == []
    assert counted("SELECT sum(rejected) FROM drain_batch") == 0
    return judgement


def test_hundreds_of_histories_make_the_same_people_in_any_order_with_two_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judgement = play_and_compare(HISTORIES, monkeypatch)
    # What these histories were made for has happened, else they prove nothing.
    reasons = Counter(judgement.verdicts.values())
    assert reasons[LIMIT] > 500 and reasons[SHARED] > 250 and reasons[CUT] > 50
    assert counted("SELECT count(*) FROM profile_part") > 300
    assert counted("SELECT count(*) FROM profile_merge") > 300
    assert counted("SELECT count(*) FROM identity_link WHERE stated") > 100
    assert counted("SELECT sum(duplicates) FROM drain_batch") > 300


def test_so_do_histories_where_a_strong_kind_only_attaches_and_another_only_suggests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    IdentifierKind.objects.filter(id=CARD).update(role="attach")
    IdentifierKind.objects.filter(id=DEVICE).update(role="suggest")
    IdentifierKind.objects.filter(id=ANONYMOUS).update(priority=1)
    play_and_compare(120, monkeypatch)
    assert counted("SELECT count(*) FROM profile_part") > 30


def _without_phones(everybody: dict[str, str]) -> dict[str, str]:
    """Phones differ in more than a prefix; the identifiers say already which they are."""
    told = {}
    for identifiers, known in everybody.items():
        parts = known.split("+346")
        told[identifiers] = parts[0] + "".join(part[8:] for part in parts[1:])
    return told
