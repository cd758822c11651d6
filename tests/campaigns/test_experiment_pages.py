"""The pages of experiments: a file from upload to result, what each number opens, and who may see them."""

import csv
import io
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from campaigns.experiments import files, importing
from campaigns.experiments.results import uplift_by_channel
from campaigns.models import Arm, Channel, Enrolment, EnrolmentFile, Experiment
from cdp_site import checks, stages
from cdp_site.roles import AGENT, MARKETER
from connectors.models import Source
from profiles.identifiers import EMAIL
from tests.campaigns.test_experiments import bought, viewed
from tests.factories import SourceFactory, account
from tests.stream import person, send

pytestmark = pytest.mark.django_db
FILE = (
    b"email,group,since\n"
    b"ana@example.com,Letter,2026-03-01\nben@example.com,No letter,2026-03-01\n"
    b"nobody,Letter,2026-03-01\ncarla@example.com,Letter,\n"
)


@pytest.fixture
def marketer(client: Client) -> Client:
    client.force_login(account(MARKETER))
    return client


@pytest.fixture
def shop() -> Source:
    return SourceFactory(name="Shop")


def upload(client: Client, body: bytes = FILE, name: str = "spring_letter.csv") -> str:
    answer = client.post(reverse("experiment_new"), {"file": SimpleUploadedFile(name, body)})
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"]


def looked(client: Client, address: str, **chosen: str) -> dict[str, str]:
    """What the form sends after a look at what the file would do so."""
    form = EnrolmentFile.objects.get().chosen | chosen
    return form | {"looked": str(client.get(address, form).context["looked"])}


def test_nothing_is_sent_that_was_not_looked_at(marketer: Client) -> None:
    address = upload(marketer)
    seen = looked(marketer, address, start="2026-03-02T00:00")
    later = marketer.post(address, seen | {"start": "2026-03-09T00:00"})
    assert "changed since you looked" in later.content.decode()
    assert not Experiment.objects.exists()
    # Another look, and it goes; the second press finds it gone.
    seen = looked(marketer, address, start="2026-03-09T00:00")
    assert marketer.post(address, seen | {"control": "No letter", "name": "Another name"}).status_code == 302
    assert marketer.post(address, seen)["Location"] == reverse("experiments")
    thrown = reverse("experiment_file_forget", args=[address.rstrip("/").rsplit("/", 1)[1]])
    assert marketer.post(thrown)["Location"] == reverse("experiments")
    assert "sent or thrown away already" in marketer.get(reverse("experiments")).content.decode()
    assert Experiment.objects.count() == 1


def test_a_file_is_looked_at_then_sent_and_then_measured(marketer: Client, shop: Source) -> None:
    send(shop, {"type": "identify", "userId": "u1", "traits": {"email": "ana@example.com"}})
    stages.drain_all()
    address = upload(marketer)

    seen = marketer.get(address).content.decode()

    assert "3 lines can be taken, 1 can't" in seen
    assert "nobody&#x27; is no email" in seen
    assert "Of the first 3, 1 are people whom you have" in seen
    assert 'value="spring letter"' in seen
    assert not Experiment.objects.exists()

    answer = marketer.post(address, looked(marketer, address, control="No letter", start="2026-03-02T00:00"))
    assert answer.status_code == 302
    assert not EnrolmentFile.objects.exists()
    waiting = marketer.get(answer["Location"]).content.decode()
    assert "About 3 enrolments of a file are still being read" in waiting
    assert "still being read" in marketer.get(reverse("experiments")).content.decode()
    export = marketer.get(reverse("experiment_export", args=[Experiment.objects.get().pk]))
    assert export["Location"] == answer["Location"]
    stages.drain_all()

    experiment = Experiment.objects.get()
    assert experiment.name == "spring letter"
    assert Arm.objects.get(control=True).name == "No letter"
    assert Enrolment.objects.count() == 3
    assert Enrolment.objects.filter(profile_id=person(EMAIL, "ana@example.com").pk).exists()
    page = marketer.get(answer["Location"]).content.decode()
    assert "Too few people did" in page

    # The same once more changes nothing.
    again = upload(marketer)
    marketer.post(again, looked(marketer, again, control="No letter", start="2026-03-02T00:00"))
    stages.drain_all()
    assert (Experiment.objects.count(), Enrolment.objects.count()) == (1, 3)


def test_other_columns_can_be_chosen_and_nothing_is_sent_that_cant_be_read(marketer: Client) -> None:
    address = upload(marketer)
    wrong = EnrolmentFile.objects.get().chosen | {"arm": "email"}
    seen = marketer.get(address, wrong).content.decode()
    assert "can&#x27;t be the same column" in seen
    assert marketer.post(address, wrong).status_code == 200
    none = EnrolmentFile.objects.get().chosen | {"identifier": "group", "arm": "since"}
    assert "No line can be taken" in marketer.get(address, none).content.decode()
    assert marketer.post(address, none).status_code == 200
    for bad in ({"start": "soon"}, {"kind": "record"}, {"arm": "nowhere"}, {"name": " ", "experiment": ""}):
        assert marketer.post(address, EnrolmentFile.objects.get().chosen | bad).status_code == 200
    assert not Experiment.objects.exists()
    marketer.post(reverse("experiment_file_forget", args=[EnrolmentFile.objects.get().pk]))
    assert not EnrolmentFile.objects.exists()


def test_a_column_of_many_values_is_hardly_the_arm(marketer: Client) -> None:
    body = b"id,arm\n" + b"".join(b"%d,%d\n" % (number, number) for number in range(60))
    address = upload(marketer, body)
    assert "more than 50 different values" in marketer.get(address).content.decode()
    assert marketer.post(address, EnrolmentFile.objects.get().chosen).status_code == 200
    assert not Experiment.objects.exists()


def test_who_presses_send_in_two_tabs_at_once_sends_once(marketer: Client) -> None:
    upload(marketer)
    file = EnrolmentFile.objects.get()
    table, chosen = files.opened(bytes(file.body)), files.Chosen(**file.chosen)
    kind = next(kind for kind in importing.kinds() if kind.name == "email")
    importing.send(EnrolmentFile.objects.get(), table, chosen, kind)
    with pytest.raises(importing.Gone):
        importing.send(file, table, chosen, kind)


@pytest.mark.parametrize("body", [b"", b"id,arm,arm\n1,a,b\n", b"\x89PNG\r\n\x1a\n\0\0", b"one column\n1\n"])
def test_what_is_no_table_is_refused_where_it_was_chosen(marketer: Client, body: bytes) -> None:
    answer = marketer.post(reverse("experiment_new"), {"file": SimpleUploadedFile("a.csv", body)})
    assert answer.status_code == 200
    assert 'class="errorlist"' in answer.content.decode()
    assert not EnrolmentFile.objects.exists()


def big(shop: Source) -> Experiment:
    send(
        shop,
        *(viewed("letter" if number % 2 else "holdout", userId=f"u{number}") for number in range(100)),
        *(bought(10, 4, userId=f"u{number}") for number in range(1, 80, 2)),
        *(bought(10, 4, userId=f"u{number}") for number in range(0, 40, 2)),
    )
    stages.drain_all()
    return Experiment.objects.get()


def test_the_page_says_what_was_added_and_every_number_opens_its_people(marketer: Client, shop: Source) -> None:
    experiment = big(shop)
    page = marketer.get(reverse("experiment", args=[experiment.pk])).content.decode()
    assert "added 40.00 points" in page
    assert "People were split equally" in page
    letter = experiment.arms.get(key="letter")
    behind = marketer.get(
        reverse("experiment_people", args=[experiment.pk]), {"arm": letter.pk, "on": "event:Order Completed"}
    )
    assert behind.content.decode().count('class="row"') == 40
    everybody = marketer.get(reverse("experiment_people", args=[experiment.pk]), {"arm": letter.pk})
    assert everybody.content.decode().count('class="row"') == 50
    assert (
        "Nobody"
        in marketer.get(reverse("experiment_people", args=[experiment.pk]), {"arm": "several"}).content.decode()
    )
    listed = marketer.get(reverse("experiments")).content.decode()
    assert "added 40.00 points" in listed


def test_what_does_harm_is_said_to(marketer: Client, shop: Source) -> None:
    experiment = big(shop)
    letter, holdout = experiment.arms.get(key="letter"), experiment.arms.get(key="holdout")
    Arm.objects.filter(pk=holdout.pk).update(control=False)
    Arm.objects.filter(pk=letter.pk).update(control=True)
    page = marketer.get(reverse("experiment", args=[experiment.pk])).content.decode()
    assert "“Holdout” cost 40.00 points" in page
    assert "<strong>20</strong> people (11 to 29) didn't do it because of “Holdout”" in page


def test_it_is_measured_on_any_event(marketer: Client, shop: Source) -> None:
    experiment = big(shop)
    address = reverse("experiment", args=[experiment.pk])
    assert "Experiment Viewed" in marketer.get(address, {"event": "Experiment Viewed"}).content.decode()
    part = marketer.get(address, {"event": "Order Completed"}, headers={"hx-request": "true", "hx-target": "result"})
    assert "<html" not in part.content.decode()
    for wrong in ({"on": "goal:1"}, {"event": "No such"}, {"on": "\0"}):
        assert marketer.get(address, wrong).status_code in (200, 404)
    for wrong in ({}, {"arm": "x"}, {"arm": "1"}):
        assert marketer.get(reverse("experiment_people", args=[experiment.pk]), wrong).status_code == 404


def test_control_shares_and_channel_are_said_by_hand(marketer: Client, shop: Source) -> None:
    experiment = big(shop)
    letter, holdout = experiment.arms.get(key="letter"), experiment.arms.get(key="holdout")
    channel = Channel.objects.create(name="Letters")
    address = reverse("experiment_edit", args=[experiment.pk])
    assert marketer.get(address).status_code == 200
    given = {
        "name": "Letter test", "description": "", "channel": channel.pk, "campaign": "", "days": 7, "control": letter.pk,
        f"name-{letter.pk}": "Letter", f"share-{letter.pk}": "", f"name-{holdout.pk}": "None", f"share-{holdout.pk}": 10,
    }  # fmt: skip
    assert marketer.post(address, given).status_code == 302
    experiment.refresh_from_db()
    assert (experiment.name, experiment.days, experiment.channel) == ("Letter test", 7, channel)
    assert Arm.objects.get(control=True) == letter
    assert Arm.objects.get(pk=holdout.pk).share == pytest.approx(0.1)
    assert "not split as planned" in marketer.get(reverse("experiment", args=[experiment.pk])).content.decode()
    assert marketer.post(address, given | {f"share-{letter.pk}": 100}).status_code == 200
    assert marketer.post(address, given | {"days": 0}).status_code == 200
    assert marketer.post(address, given | {"control": ""}).status_code == 302
    assert "Say which arm is the control" in marketer.get(reverse("experiment", args=[experiment.pk])).content.decode()


def test_the_result_as_a_file(marketer: Client, shop: Source) -> None:
    experiment = big(shop)
    experiment.arms.filter(key="letter").update(name="=cmd")
    answer = marketer.get(reverse("experiment_export", args=[experiment.pk]))
    rows = {row["arm"]: row for row in csv.DictReader(io.StringIO(answer.content.decode()))}
    assert rows["'=cmd"]["converted"] == "40"
    assert float(rows["'=cmd"]["difference"]) == pytest.approx(0.4)
    assert rows["Holdout"]["difference"] == ""


@pytest.mark.parametrize("make", [None, big])
def test_agents_may_not_and_empty_pages_say_what_to_do(
    client: Client, shop: Source, make: Callable[[Source], Experiment] | None
) -> None:
    client.force_login(account(AGENT))
    assert client.get(reverse("experiments")).status_code == 403
    assert client.get(reverse("experiment_new")).status_code == 403
    client.force_login(account(MARKETER))
    if make is None:
        assert "No experiments yet" in client.get(reverse("experiments")).content.decode()
    else:
        assert client.get(reverse("experiment", args=[make(shop).pk])).status_code == 200


def test_an_archived_experiment_is_in_no_list_and_comes_back_whole(marketer: Client, shop: Source) -> None:
    about = Channel.objects.create(name="Letters", hue=10)
    send(shop, viewed("letter", userId="u1"), viewed("control", userId="u2"), bought(50, 2, userId="u1"))
    stages.drain_all()
    one = Experiment.objects.get()
    Experiment.objects.update(channel=about)
    before = uplift_by_channel()
    assert before[about.pk].experiment_id == one.pk
    assert marketer.get(reverse("experiment_archive", args=[one.pk])).status_code == 405

    answer = marketer.post(reverse("experiment_archive", args=[one.pk]), follow=True).content.decode()

    assert "All are archived" in answer and "Archived (1)" in answer
    assert uplift_by_channel() == {}
    assert one.name not in marketer.get("/search/?q=letter").content.decode()
    shown = marketer.get(reverse("experiment", args=[one.pk])).content.decode()
    assert "it is in no list" in shown and "Bring back" in shown
    assert "Archive it" not in shown

    # What arrives meanwhile is followed, and makes no second one.
    send(shop, viewed("letter", userId="u3"))
    stages.drain_all()
    assert Experiment.objects.get().archived_at and Enrolment.objects.count() == 3
    assert [check.detail for check in checks.run_all() if not check.ok] == []

    marketer.post(reverse("experiment_bring_back", args=[one.pk]))
    listed = marketer.get(reverse("experiments")).content.decode()
    assert one.name in listed and "Archived" not in listed
    assert uplift_by_channel()[about.pk].experiment_id == one.pk


def test_archiving_twice_keeps_the_first_moment(marketer: Client) -> None:
    one = Experiment.objects.create(key="x", name="X")
    marketer.post(reverse("experiment_archive", args=[one.pk]))
    first = Experiment.objects.get().archived_at
    marketer.post(reverse("experiment_archive", args=[one.pk]))
    assert Experiment.objects.get().archived_at == first
    assert marketer.post(reverse("experiment_archive", args=[one.pk + 1])).status_code == 404


def test_the_search_finds_experiments_by_name_and_by_key_for_those_who_may(marketer: Client) -> None:
    one = Experiment.objects.create(key="mail-17", name="Spring letter")
    for typed in ("SPRING", "mail-17"):
        found = marketer.get(f"/search/?q={typed}").content.decode()
        assert reverse("experiment", args=[one.pk]) in found and "Nothing is called" not in found
    agent = Client()
    agent.force_login(account(AGENT))
    assert "Spring letter" not in agent.get("/search/?q=spring").content.decode()
