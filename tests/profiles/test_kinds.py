"""Kinds of identifiers as an admin sets them: checked in words, tried out before they are saved, followed by the people."""

from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.admin import site
from django.test import Client, RequestFactory

from cdp_site import home
from cdp_site.roles import ADMIN
from profiles import rebuild
from profiles.identifiers import EMAIL, EXTERNAL, FINGERPRINT, USER
from profiles.kind_form import KindForm
from profiles.kinds import MOST_VALUES
from profiles.models import Event, Identifier, IdentifierKind, Link, Profile, Rebuild, Rejected
from tests.factories import SourceFactory, account
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db
ADD = "/admin/profiles/identifierkind/add/"
OWN = {
    "name": "crm", "label": "CRM number", "priority": "15", "role": "merge", "identifies": "on", "form": "trimmed",
    "limit_per_profile": "1", "shared_above": "5", "yields_after": "0", "blocked": "", "patterns": "", "trusted": "",
}  # fmt: skip


def page(kind: int) -> str:
    return f"/admin/profiles/identifierkind/{kind}/change/"


def as_it_is(kind: int, **other: str) -> dict[str, str]:
    one = IdentifierKind.objects.get(id=kind)
    posted: dict[str, Any] = {
        name: getattr(one, name) for name in OWN if name not in ("blocked", "patterns", "trusted")
    }
    posted |= {name: "\n".join(getattr(one, name)) for name in ("blocked", "patterns", "trusted")}
    if not posted["identifies"]:
        del posted["identifies"]
    return {name: str(value) for name, value in {**posted, **other}.items()}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"priority": "10"}, "10 is the priority of User id; 9 is free, for example."),
        ({"priority": "0"}, "greater than or equal to 1"),
        ({"limit_per_profile": "0"}, "greater than or equal to 1"),
        ({"shared_above": "-1"}, "greater than or equal to 0"),
        ({"patterns": "(a+)+"}, "repeats something that varies itself"),
        ({"patterns": "ok\n("}, "is no regular expression"),
        ({"blocked": "x@y.com", "trusted": "X@y.com"}, "blocked and a person&#x27;s at once"),
        ({"form": "phone"}, "not one of the available choices"),
        ({"role": "attach"}, "not one of the available choices"),
    ],
)
def test_rules_that_make_no_sense_are_refused_in_words(admin_client: Client, wrong: dict[str, str], says: str) -> None:
    answer = admin_client.post(page(EMAIL), as_it_is(EMAIL, **wrong))
    assert says in answer.content.decode()
    assert not Rebuild.objects.exists()


def test_saving_other_rules_has_people_made_anew(admin_client: Client) -> None:
    answer = admin_client.post(
        page(EMAIL), as_it_is(EMAIL, limit_per_profile="3", blocked="INFO@shop.example"), follow=True
    )
    assert "All people are made anew by them in the background" in answer.content.decode()
    kind = IdentifierKind.objects.get(id=EMAIL)
    assert (kind.limit_per_profile, kind.blocked) == (3, ["info@shop.example"])
    asked = Rebuild.objects.get()
    assert asked.relinks and not asked.dry_run
    assert asked.because == "E-mail: 1 more blocked, 10 no longer blocked, at most 3 a person (was 5)"
    while rebuild.go_on():
        pass
    kind.refresh_from_db()
    assert kind.applied["limit_per_profile"] == 3


def test_saving_a_label_has_nobody_made_anew(admin_client: Client) -> None:
    admin_client.post(page(EMAIL), as_it_is(EMAIL, label="Mail"))
    assert IdentifierKind.objects.get(id=EMAIL).label == "Mail"
    assert not Rebuild.objects.exists()


def test_the_name_is_for_good_and_built_in_kinds_stay(admin_client: Client) -> None:
    admin_client.post(page(EMAIL), as_it_is(EMAIL, name="mail"))
    assert IdentifierKind.objects.get(id=EMAIL).name == "email"
    assert admin_client.post(f"/admin/profiles/identifierkind/{EMAIL}/delete/", {"post": "yes"}).status_code == 403
    assert IdentifierKind.objects.filter(id=EMAIL).exists()


def test_what_would_change_is_seen_before_it_is_saved_and_saved_from_there(admin_client: Client) -> None:
    source = SourceFactory()
    for number in range(3):
        send(source, *(
            {"type": "identify", "anonymousId": f"a{number}", "traits": {"email": f"{name}{number}@example.com"}}
            for name in ("one", "two")
        ))  # fmt: skip
    resolve_all()
    answer = admin_client.post(page(EMAIL), as_it_is(EMAIL, limit_per_profile="1", _try="See"))
    tried = Rebuild.objects.get()
    assert answer["Location"] == f"/admin/profiles/rebuild/{tried.pk}/change/"
    assert "counting" in admin_client.get(answer["Location"]).content.decode()
    rebuild.go_on()
    shown = admin_client.get(answer["Location"]).content.decode()
    assert "3 apart: 3 people before, 6 after" in shown.replace("would fall ", "")
    assert f"/people/{person(EMAIL, 'one0@example.com').pk}/" in shown
    assert IdentifierKind.objects.get(id=EMAIL).limit_per_profile == 5 and Profile.objects.count() == 3
    admin_client.post(f"/admin/profiles/rebuild/{tried.pk}/apply/")
    while rebuild.go_on():
        pass
    assert IdentifierKind.objects.get(id=EMAIL).limit_per_profile == 1 and Profile.objects.count() == 6


def test_trying_out_what_holds_already_says_so(admin_client: Client) -> None:
    answer = admin_client.post(page(EMAIL), as_it_is(EMAIL, _try="See"), follow=True)
    assert "nothing would change" in answer.content.decode()


def test_an_admin_adds_a_kind_of_his_own(admin_client: Client) -> None:
    assert "Small letters" in admin_client.post(ADD, {**OWN, "name": "C-R-M"}).content.decode()
    assert admin_client.post(ADD, OWN).status_code == 302
    kind = IdentifierKind.objects.get(name="crm")
    assert kind.id == 20
    external = [{"type": "crm", "id": "17"}, {"type": "erp", "id": "17"}]
    send(SourceFactory(), {"type": "track", "event": "Paid", "context": {"externalIds": external}})
    resolve_all()
    assert person(20, "17") == person(EXTERNAL, "erp:17")
    assert admin_client.post(f"/admin/profiles/identifierkind/{kind.id}/delete/", {"post": "yes"}).status_code == 403


def test_a_kind_that_blocked_something_stays_for_messages_may_name_it(admin_client: Client) -> None:
    admin_client.post(ADD, {**OWN, "blocked": "0"})
    external = [{"type": "crm", "id": "0"}]
    send(SourceFactory(), {"type": "track", "event": "Paid", "userId": "u1", "context": {"externalIds": external}})
    resolve_all()
    assert not Identifier.objects.filter(kind_id=20, blocked=False).exists()
    assert admin_client.post("/admin/profiles/identifierkind/20/delete/", {"post": "yes"}).status_code == 403


def kind(id: int) -> IdentifierKind:
    return IdentifierKind.objects.get(id=id)


def test_a_kind_of_ones_own_that_nothing_is_known_by_can_go_again(admin_client: Client) -> None:
    admin_client.post(ADD, OWN)
    assert admin_client.post("/admin/profiles/identifierkind/20/delete/", {"post": "yes"}).status_code == 302
    assert not IdentifierKind.objects.filter(id=20).exists()


def test_saving_does_not_write_which_rules_the_people_follow() -> None:
    followed = kind(EMAIL).applied
    stale = IdentifierKind.objects.get(id=EMAIL)
    stale.applied = {"priority": 1}
    form = KindForm(as_it_is(EMAIL, limit_per_profile="4"), instance=stale)
    assert form.is_valid()
    request = RequestFactory().post("/")
    request.user = account(ADMIN)
    request.session, request._messages = {}, Mock()
    site.get_model_admin(IdentifierKind).save_model(request, form.instance, form, change=True)
    assert (kind(EMAIL).limit_per_profile, kind(EMAIL).applied) == (4, followed)


def test_a_kind_that_lists_as_many_values_as_it_may_says_so(admin_client: Client) -> None:
    IdentifierKind.objects.filter(id=6).update(trusted=[f"till {number}" for number in range(MOST_VALUES)])
    send(SourceFactory(), {"type": "track", "event": "Seen", "userId": "u1", "context": {"device": {"id": "pad"}}})
    resolve_all()
    said = {"kind": "6", "value": "pad", "ruling": "trusted"}
    answer = admin_client.post("/admin/profiles/identifierkind/shared/", said, follow=True)
    assert "lists 5,000 values already, the most" in answer.content.decode()
    assert len(kind(6).trusted) == MOST_VALUES
    assert not Rebuild.objects.exists()


def test_a_fingerprint_suggests_and_joins_nobody() -> None:
    source = SourceFactory()
    send(
        source, {"type": "track", "event": "Seen", "userId": "u1", "context": {"fingerprint": "f-1"}},
        {"type": "track", "event": "Seen", "userId": "u2", "context": {"device": {"fingerprint": "f-1"}}},
    )  # fmt: skip
    resolve_all()
    assert Profile.objects.count() == 2
    assert Identifier.objects.get(kind_id=FINGERPRINT).profile_id is None
    assert set(Link.objects.filter(other_kind_id=FINGERPRINT).values_list("value", "verdict")) == {("u1", 4), ("u2", 4)}
    send(source, {"type": "track", "event": "Seen", "context": {"fingerprint": "f-1"}})
    resolve_all()
    assert Profile.objects.count() == 3
    assert person(FINGERPRINT, "f-1").id not in {person(USER, "u1").id, person(USER, "u2").id}


def test_a_blocked_value_names_nobody_and_stays_with_the_message() -> None:
    source = SourceFactory()
    IdentifierKind.objects.filter(id=USER).update(patterns=["guest-[0-9]+"])
    send(
        source, {"type": "track", "event": "Seen", "userId": "Guest-7", "anonymousId": "a1"},
        {"type": "track", "event": "Seen", "userId": "guest-7"},
    )  # fmt: skip
    resolve_all()
    assert not Identifier.objects.filter(kind_id=USER).exists()
    assert Event.objects.get().identifiers == [[7, "a1"], [1, "Guest-7"]]
    assert Rejected.objects.get().reason == "the user_id 'guest-7' is blocked, and the message has no other identifier"


def test_home_tells_admins_of_identifiers_that_turned_out_to_be_shared(admin_client: Client) -> None:
    assert home.concerns_of_admins() == []
    send(SourceFactory(), *(
        {"type": "identify", "traits": {"email": f"p{number}@example.com"}, "context": {"device": {"id": "till 4"}}}
        for number in range(7)
    ))  # fmt: skip
    resolve_all()
    assert "1 identifier was seen with too many people this week" in admin_client.get("/").content.decode()
    address = home.concerns_of_admins()[0].where
    shown = admin_client.get(address).content.decode()
    assert "till 4" in shown and "7 × E-mail" in shown
    assert "till 4" not in admin_client.get(address, {"q": "kiosk"}).content.decode()
    said = {"kind": "6", "value": "till 4", "ruling": "trusted"}
    assert "judged anew" in admin_client.post(address, said, follow=True).content.decode()
    assert IdentifierKind.objects.get(id=6).trusted == ["till 4"]
    assert Rebuild.objects.filter(ended_at=None).exists()
