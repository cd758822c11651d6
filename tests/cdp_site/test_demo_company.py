"""The demo company: the same each time, whole after a kill, and its people as docs/demo.md says."""

import time
from datetime import UTC, datetime

import pytest
from django.test import RequestFactory, override_settings

from cdp_site import stages
from cdp_site.checks import run_all
from cdp_site.demo import history, personas, seeding, setting
from cdp_site.demo.channel import channel
from cdp_site.demo.ticker import Ticker
from cdp_site.models import Progress
from connectors.models import Audience, AudienceMember, Destination, Source
from profiles import inbox
from profiles.models import Event, Identifier, Profile, Record, Rejected
from segments.models import Membership, Segment
from tests.stream import person, resolve_all

pytestmark = pytest.mark.django_db
PEOPLE = 60


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "BLOCK", 400)
    monkeypatch.setattr(seeding, "MOST_WAITING", 5)


def drain() -> None:
    resolve_all()


def stored() -> set[str]:
    return {str(key) for key in Event.objects.values_list("message_key", flat=True)}


def test_the_same_seed_and_end_give_the_same_messages() -> None:
    ending = datetime(2026, 6, 1, tzinfo=UTC)
    once, again = (list(history.stream(3, ending, 20)) for _ in range(2))
    assert once == again
    assert len(once) > 300
    assert once != list(history.stream(4, ending, 20))


def test_the_history_goes_in_and_everything_holds() -> None:
    sent = seeding.seed(PEOPLE, wait=drain)
    stages.drain_all()
    assert sent > 1_000
    assert not Rejected.objects.exists()
    assert [finding for finding in run_all() if not finding.ok] == []
    assert Progress.objects.get(name=seeding.NAME).ended_at
    assert seeding.seed(PEOPLE, wait=drain) == 0, "once is enough"


def test_a_generator_that_was_killed_goes_on_and_nothing_is_missing_or_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(Exception):
        pass

    calls = []

    def killed_in_the_middle() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Killed
        drain()

    with pytest.raises(Killed):
        seeding.seed(PEOPLE, wait=killed_in_the_middle)
    drain()
    part = stored()
    seeding.seed(PEOPLE, wait=drain)
    drain()
    ending = Progress.objects.get(name=seeding.NAME).started_at
    everything = len(list(history.stream(seeding.SEED, ending, PEOPLE))) + len(list(personas.stories(ending)))
    assert 0 < len(part) < everything
    assert Event.objects.count() == everything


def test_the_personas_are_as_the_documentation_says() -> None:
    seeding.seed(10, wait=drain)
    stages.drain_all()
    elena = person(1, "hp-elena")
    ticket = Record.objects.get(profile_id=elena.pk, kind="ticket")
    assert (ticket.external_id, ticket.closed_at) == ("4411", None)
    assert Event.objects.filter(profile_id=elena.pk, value__gt=0).count() == 17, "store and shop, on one person"

    jonas = person(2, "HP90000002")
    assert jonas.name == "Jonas Weber"
    recent = Segment.objects.get(name="Bought in the last 7 days")
    assert Membership.objects.filter(segment_id=recent.pk, profile_id=jonas.pk).exists()
    acquisition = Audience.objects.get(destination__name=setting.CHANNEL)
    wanted = AudienceMember.objects.filter(audience_id=acquisition.pk, wanted=True)
    assert not wanted.filter(profile_id=jonas.pk).exists()

    assert person(1, "hp-marta").pk != person(1, "hp-luis").pk, "a family's address makes nobody one person"
    assert not person(7, personas.VISITOR).identified


def test_the_ticker_lives_on_and_the_visitor_is_recognised() -> None:
    setting.sources()
    seeding._store(list(personas.stories(datetime.now(UTC))), setting.sources())
    drain()
    visitor = person(7, personas.VISITOR)
    sent: list[str] = []

    def post(write_key: str, text: str) -> None:
        source = Source.objects.get(write_key=write_key)
        inbox.store_lines(source.pk, [text.encode()])
        sent.append(text)

    ticker = Ticker(post, seed=1)
    for _ in range(150):
        ticker.tick()
    ticker.recognise()
    drain()
    assert len(sent) == 151
    assert not Rejected.objects.exists()
    sofia = Profile.objects.get(email=personas.SOFIA["email"])
    assert sofia.pk == visitor.pk
    assert Identifier.objects.filter(profile_id=sofia.pk, kind_id=1, value="hp-sofia").exists()


@override_settings(PORT=8123)
def test_started_on_another_port_its_channel_is_found_there() -> None:
    with override_settings(PORT=8000):
        seeding.seed(10, wait=drain)
    assert seeding.seed(10, wait=drain) == 0
    assert Destination.objects.get(name=setting.CHANNEL).config["url"] == "http://127.0.0.1:8123/demo/channel/"
    mine = Destination.objects.get(name=setting.CHANNEL)
    mine.config = {**mine.config, "url": "https://example.com/hook/"}
    mine.save()
    seeding.seed(10, wait=drain)
    assert Destination.objects.get(name=setting.CHANNEL).config["url"] == "https://example.com/hook/", (
        "an admin's stays"
    )


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("192.168.1.5", "http://192.168.1.5:8000"),
        ("::1", "http://[::1]:8000"),
        ("::", "http://127.0.0.1:8000"),
    ],
)
def test_the_demo_reaches_itself_wherever_it_listens(host: str, address: str) -> None:
    with override_settings(HOST=host, PORT=8000):
        assert setting.address() == address


@pytest.mark.parametrize("signature", ["", "v1,", "v1,\xe9", "\xff \xff"])
def test_its_channel_refuses_what_is_signed_by_nobody(signature: str) -> None:
    setting.sources()
    setting.segments_and_channel()
    headers = {"webhook-id": "1", "webhook-timestamp": str(int(time.time())), "webhook-signature": signature}
    answer = channel(RequestFactory().post(setting.PATH, b"{}", content_type="application/json", headers=headers))
    assert answer.status_code == 401
