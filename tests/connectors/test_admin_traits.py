"""Trait policies in the admin: what was said is listed, nothing is saved unseen, and what can't be is refused in words."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.test import Client

from cdp_site import stages
from connectors.models import Source
from profiles import trait_effect
from profiles.models import Profile, TraitCount, TraitPolicy
from profiles.policies import Policy, Rule
from tests.factories import SourceFactory
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db
LIST = "/admin/profiles/traitpolicy/"


@pytest.fixture
def sources() -> tuple[Source, Source]:
    """A CRM that knows three people's city, and a shop that heard another of one of them, and later."""
    cache.clear()
    crm, shop = SourceFactory(name="CRM"), SourceFactory(name="Shop")
    for number in range(3):
        for times in range(2):
            send(
                crm,
                {
                    "type": "identify",
                    "userId": f"u{number}",
                    "traits": {"city": "Cadiz"},
                    "messageId": f"{number}-{times}",
                },
            )
    send(shop, {"type": "identify", "userId": "u1", "traits": {"city": "Vigo"}, "timestamp": "2026-04-01T00:00:00Z"})
    resolve_all()
    return crm, shop


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode().split("<main")[1])).replace(
        "&#x27;", "'"
    )


def save(client: Client, name: str, **form: Any) -> str:
    """Through the preview, as a browser does; returns what the list says afterwards."""
    path = f"{LIST}add/?name={name}"
    answer = client.post(path, {"name": name, **form})
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.content.decode()))
    del hidden["csrfmiddlewaretoken"]
    assert not TraitPolicy.objects.exists(), "nothing is saved unseen"
    return text(client.post(path, {**hidden, "_confirmed": "Save"}, follow=True))


def test_what_was_said_is_listed_with_people_and_conflicts_and_the_rule(
    admin_client: Client, sources: tuple[Source, Source]
) -> None:
    seen = text(admin_client.get(LIST))
    assert "All other traits – – the newest word" in seen
    assert "city 3 1 as all others" in seen
    assert "Counted over all 3 people" in seen


def test_a_policy_is_previewed_saved_listed_and_everybody_is_decided_anew(
    admin_client: Client, sources: tuple[Source, Source]
) -> None:
    crm, _ = sources
    form = {"name": "city", "rule": "first", f"place_{crm.pk}": "1"}
    seen = text(admin_client.post(f"{LIST}add/", form))
    assert "What holds: CRM first, then the newest of the others." in seen
    assert "Something else would be shown for 1 of 3 people." in seen
    assert f"{person(1, 'u1').pk} city Vigo Cadiz" in seen
    seen = save(admin_client, **form)
    assert "It holds from now on; everybody is decided anew in the background." in seen
    assert "city 3 1 CRM first, then the newest of the others (being decided anew)" in seen
    stages.drain_all()
    assert person(1, "u1").traits["city"] == "Cadiz"
    assert "(being decided anew)" not in text(admin_client.get(LIST))
    assert LogEntry.objects.get().object_id == "city"


def test_what_is_said_most_often_is_previewed_from_the_events_and_nothing_is_written(
    admin_client: Client, sources: tuple[Source, Source]
) -> None:
    effect = trait_effect.effect("city", Policy(Rule.FREQUENT))
    assert [(one.before, one.after) for one in effect.examples] == [("Vigo", "Cadiz")]
    assert (effect.changed, effect.looked_at.everybody) == (1, True)
    assert not TraitCount.objects.exists()
    save(admin_client, "city", rule="frequent")
    stages.drain_all()
    assert person(1, "u1").traits["city"] == "Cadiz"
    assert trait_effect.effect("city", Policy(Rule.NEWEST)).changed == 1


def test_a_sample_says_that_it_is_one(
    admin_client: Client, sources: tuple[Source, Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trait_effect.people, "__defaults__", (2, 2))
    cache.clear()
    assert trait_effect.people()[1].number <= 2
    assert "of 3 people, within the last minute" in text(admin_client.get(LIST))
    answer = text(admin_client.post(f"{LIST}add/", {"name": "city", "rule": "newest"}))
    assert "people who were looked at, of 3" in answer


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"name": "city", "rule": "first"}, "An order of sources needs at least one source"),
        ({"name": "*", "rule": "frequent"}, "choose it for one trait at a time"),
        ({"name": "*", "rule": "as_others"}, "need a rule"),
        ({"name": "consent_email", "rule": "frequent"}, "is a consent"),
        ({"name": "--", "rule": "newest"}, "'--' is no name of a trait"),
        ({"name": "city", "rule": "loudest"}, "Select a valid choice"),
        ({"name": "city", "rule": "first", "CRM": "1", "Shop": "1"}, "CRM and Shop both stand at place 1"),
        ({"name": "city", "rule": "first", "CRM": "0"}, "greater than or equal to 1"),
        ({"name": "city", "rule": "first", "CRM": "²"}, "Enter a whole number"),
    ],
)
def test_what_can_not_be_is_refused_in_words(
    admin_client: Client, sources: tuple[Source, Source], form: dict[str, str], why: str
) -> None:
    places = {source.name: f"place_{source.pk}" for source in sources}
    filled = {places.get(name, name): value for name, value in form.items()}
    for confirmed in ({}, {"_confirmed": "Save"}):
        assert why in text(admin_client.post(f"{LIST}add/", {**filled, **confirmed}))
    assert not TraitPolicy.objects.exists()


def test_a_trait_that_nobody_has_said_may_have_a_policy_and_the_preview_says_so(admin_client: Client) -> None:
    cache.clear()
    seen = text(admin_client.post(f"{LIST}add/", {"name": "Shoe Size", "rule": "frequent"}))
    assert "No source has said shoe_size of anybody so far." in seen


def test_a_policy_is_changed_back_to_that_of_all_others(admin_client: Client, sources: tuple[Source, Source]) -> None:
    crm, _ = sources
    save(admin_client, "city", rule="first", **{f"place_{crm.pk}": "1"})
    stages.drain_all()
    change = f"{LIST}city/change/"
    assert 'value="1"' in admin_client.get(change).content.decode()
    seen = text(admin_client.post(change, {"rule": "as_others"}))
    assert "What holds: as all others." in seen and "Vigo" in seen
    admin_client.post(change, {"rule": "as_others", "_confirmed": "Save"})
    stages.drain_all()
    assert person(1, "u1").traits["city"] == "Vigo"
    assert not TraitPolicy.objects.exists()
    assert Profile.objects.count() == 3
