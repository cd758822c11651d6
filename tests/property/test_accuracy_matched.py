"""With matching by probability, more of what is one person's is found, and people are still told apart."""

from collections.abc import Hashable, Mapping

import pytest

from cdp_site import stages
from profiles.matching import job
from profiles.models import MatchSettings
from tests.accuracy import accuracy
from tests.property.test_accuracy import by_what_is_personal, put_down, whose
from tests.stream_of_persons import stream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def test_matching_finds_more_than_an_oracle_of_identifiers_and_tells_people_apart() -> None:
    told = stream()
    truth: Mapping[str, Hashable] = {message.id: message.person for message in told}
    oracle = accuracy(truth, by_what_is_personal(told))
    before = accuracy(truth, put_down(told))
    MatchSettings.objects.create(joins_by_itself=True)

    run = job.ask("somebody")
    while stages.attempt(job.match_some):
        pass

    run.refresh_from_db()
    matched = accuracy(truth, whose())
    print(
        f"{run.people:,} compared, {run.found:,} found, {run.joined:,} joined; before {before}; {matched}; oracle {oracle}"
    )
    assert (run.running, run.trouble) == (None, "")
    assert matched.precision >= 0.995
    assert matched.recall > max(oracle.recall, before.recall)
