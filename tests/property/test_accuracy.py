"""Messages of 5,000 known persons are put down to the right ones: held against an oracle, and against joining all."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

import msgspec
import pytest

from cdp_site import sql, stages
from profiles import inbox
from profiles.matching import job
from profiles.models import MatchSettings
from tests.accuracy import accuracy, joined_by
from tests.factories import SourceFactory
from tests.stream import resolve_all
from tests.stream_of_persons import Name, Told, stream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def put_down(told: Sequence[Told]) -> dict[str, Hashable]:
    """Send it all, and ask whose each message is: {message: profile}."""
    source = SourceFactory().id
    lines = [msgspec.json.encode(message.sent) for message in told]
    for start in range(0, len(lines), 500):
        inbox.store_lines(source, lines[start : start + 500])
    resolve_all()
    return whose()


def whose() -> dict[str, Hashable]:
    return dict(sql.rows("SELECT message_id, profile_id FROM event"))


def by_what_is_personal(told: Sequence[Told]) -> dict[str, Hashable]:
    """The oracle: it knows which identifiers are one person's alone, and joins by each of them, in its normal form."""
    owners: dict[Name, set[int]] = defaultdict(set)
    for message in told:
        for name in message.names:
            owners[name].add(message.person)
    return joined_by({one.id: [name for name in one.names if len(owners[name]) == 1] for one in told})


def by_everything(told: Sequence[Told]) -> dict[str, Hashable]:
    return joined_by({one.id: one.names for one in told})


def test_known_persons_are_told_apart_and_found_again_and_matching_finds_more_than_the_oracle() -> None:
    told = stream()
    truth: Mapping[str, Hashable] = {message.id: message.person for message in told}
    ours = accuracy(truth, put_down(told))
    oracle = accuracy(truth, by_what_is_personal(told))
    naive = accuracy(truth, by_everything(told))
    print(
        f"{len(truth):,} messages; ours {ours}, F1 {ours.f1:.4f}; oracle {oracle}, F1 {oracle.f1:.4f}; naive F1 {naive.f1:.4f}"
    )
    assert oracle.precision == 1
    assert ours.precision >= 0.995
    assert ours.recall >= oracle.recall
    assert naive.f1 < 0.02 < 0.85 < ours.f1

    MatchSettings.objects.create(joins_by_itself=True)
    run = job.ask("somebody")
    while stages.attempt(job.match_some):
        pass

    run.refresh_from_db()
    matched = accuracy(truth, whose())
    print(f"{run.people:,} compared, {run.found:,} found, {run.joined:,} joined; {matched}")
    assert (run.running, run.trouble) == (None, "")
    assert matched.precision >= 0.995
    assert matched.recall > max(oracle.recall, ours.recall)
