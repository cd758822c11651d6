"""Who may see what. Every address is walked: one without a role check, or that nobody thought of here, fails."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from cdp_site.roles import ADMIN, AGENT, AREAS, MARKETER, may, roles_of
from connectors.models import Destination, Source
from profiles import inbox
from tests.factories import DestinationFactory, SourceFactory, account
from tests.stream import person, resolve_all, send

pytestmark = pytest.mark.django_db

# Open to everybody on purpose: where one signs in, and what watches the installation.
OPEN = {"sign_in", "healthz", "readyz", "metrics", "admin:login"}
# Of everybody who is signed in, whatever the role.
OWN = {"sign_out"}
# In the demo alone.
DEMO = {"demo_channel"}
AREA_OF = {
    "home": "people",
    "home_live": "people",
    "palette": "people",
    "people": "people",
    "person": "people",
    "person_news": "people",
    "person_timeline": "people",
    "person_event": "people",
    "person_identity": "people",
    "person_cut": "identity",
    "person_settle": "identity",
    "person_undo": "identity",
    "person_join": "identity",
    "person_take_back": "identity",
    "matches": "identity",
    "match": "identity",
    "match_decide": "identity",
    "match_progress": "identity",
    "match_run": "admin",
    "segments": "segments",
    "segment_new": "segments",
    "segment": "segments",
    "segment_size": "segments",
    "segment_overlap": "segments",
    "segment_makeup": "segments",
    "segment_versions": "segments",
    "segment_back": "segments",
    "segment_draft": "segments",
    "segment_export": "segments",
    "segment_state": "segments",
    "segment_edit": "segments",
    "segment_preview": "segments",
    "segment_further": "segments",
    "segment_preview_of": "segments",
    "segment_further_of": "segments",
    "segment_duplicate": "segments",
    "segment_archive": "segments",
    "segment_why": "segments",
    "connectors": "connectors",
    "source": "connectors",
    "stream": "connectors",
    "streamed": "connectors",
    "rejected": "connectors",
    "replay_rejected": "admin",
} | dict.fromkeys(
    [
        "campaigns", "campaign", "campaign_new", "campaign_confirm", "campaign_merge", "campaign_names", "campaign_channels",
        "campaign_channel", "campaign_channel_new", "campaign_line", "campaign_line_new", "campaign_line_remove",
        "campaign_lines_restore", "campaign_costs", "campaign_cost_file", "campaign_cost_remove", "campaign_left_out",
        "experiments", "experiment", "experiment_new", "experiment_edit", "experiment_people", "experiment_export",
        "experiment_file", "experiment_file_forget", "experiment_archive", "experiment_bring_back",
        "attribution", "attribution_campaigns", "attribution_paths", "attribution_cohorts",
        "attribution_cohort_months", "attribution_people",
        "attribution_people_export", "attribution_export", "attribution_models", "attribution_views", "attribution_keep",
        "attribution_remove", "attribution_letter", "attribution_goals", "attribution_goal", "attribution_goal_new",
        "attribution_goal_remove", "attribution_goal_rest",
    ],
    "campaigns",
)  # fmt: skip


def addresses(resolver: URLResolver, before: str = "/", space: str = "") -> Iterator[tuple[str, str]]:
    """(name, an address) of every pattern, each parameter filled in with 1."""
    for one in resolver.url_patterns:
        path = before + re.sub(r"<[^>]+>|\(\?P<[^>]+>[^)]*\)", "1", str(one.pattern)).strip("^$")
        if isinstance(one, URLResolver):
            yield from addresses(one, path, f"{space}{one.namespace}:" if one.namespace else space)
        else:
            assert isinstance(one, URLPattern)
            yield f"{space}{one.name or path}", path


EVERY = list(addresses(get_resolver()))
PAGES = [(name, path) for name, path in EVERY if name in AREA_OF]


def asked(client: Client, path: str) -> HttpResponse:
    """The answer to a GET; to a POST where only that is taken."""
    answer = client.get(path)
    return client.post(path) if answer.status_code == 405 else answer


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(account(role), backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_every_address_is_known_here_with_who_may_see_it() -> None:
    names = {name for name, _ in EVERY if not name.startswith("admin:")} - DEMO
    assert names == AREA_OF.keys() | OWN | OPEN - {"admin:login"}
    assert sum(name.startswith("admin:") for name, _ in EVERY) > 20


@pytest.mark.parametrize("method", ["get", "post"])
def test_whoever_is_not_signed_in_is_sent_to_sign_in_from_every_address_that_is_not_open(method: str) -> None:
    for name, path in EVERY:
        answer = getattr(Client(), method)(path)
        to = answer.headers.get("Location", "")
        if name in OPEN | DEMO:
            assert "/sign-in/" not in to and "/login/" not in to, path
        else:
            assert answer.status_code == 302 and to.startswith(("/sign-in/?next=", "/admin/login/?next=")), path


def test_whoever_has_no_role_is_refused_everywhere() -> None:
    client = signed_in("")
    assert {path: asked(client, path).status_code for _, path in PAGES} == {path: 403 for _, path in PAGES}


@pytest.mark.parametrize("role", [AGENT, MARKETER, ADMIN])
def test_each_role_enters_its_areas_and_no_other(role: str) -> None:
    client = signed_in(role)
    let_in = {name for name, path in PAGES if asked(client, path).status_code != 403}
    assert let_in == {name for name, area in AREA_OF.items() if role in AREAS[area]}


def test_agents_see_people_and_decide_who_is_who_marketers_not_what_admins_do() -> None:
    areas = {role: {area for area, roles in AREAS.items() if role in roles} for role in (AGENT, MARKETER, ADMIN)}
    assert areas == {
        AGENT: {"people", "identity"},
        MARKETER: {"people", "segments", "campaigns", "connectors"},
        ADMIN: {"people", "identity", "segments", "campaigns", "connectors", "admin"},
    }


@pytest.mark.parametrize("role", ["", AGENT, MARKETER])
def test_configuration_is_closed_to_all_but_admins(role: str) -> None:
    client = signed_in(role)
    for name, path in EVERY:
        if name.startswith("admin:") and name not in OPEN | {"admin:logout"}:
            answer = client.get(path)
            assert answer.status_code == 302 and "/login/" in answer.headers["Location"], path


def test_an_open_address_shows_nothing_of_a_person() -> None:
    send(
        SourceFactory(),
        {"type": "identify", "userId": "walked-ana", "traits": {"name": "Ana", "email": "ana@example.com"}},
    )
    resolve_all()
    for name, path in EVERY:
        if name in OPEN:
            body = Client().get(path).content.decode()
            assert "Ana" not in body and "ana@example.com" not in body and "walked-ana" not in body, path


def test_a_superuser_is_an_admin_and_a_stranger_is_nobody() -> None:
    assert roles_of(User(username="root", is_superuser=True, pk=0)) == {ADMIN}
    assert roles_of(AnonymousUser()) == set()
    assert not any(may(AnonymousUser(), area) for area in AREAS)


def test_a_group_of_another_name_opens_nothing() -> None:
    someone = account()
    someone.groups.add(Group.objects.create(name="admin"))
    assert not any(may(someone, area) for area in AREAS)


def test_somebody_who_was_switched_off_is_out_at_once() -> None:
    client = signed_in(AGENT)
    assert client.get("/people/").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/people/").headers["Location"].startswith("/sign-in/")


def test_a_lost_role_is_lost_with_the_next_page() -> None:
    client = signed_in(MARKETER)
    assert client.get("/segments/").status_code == 200
    Group.objects.get(name=MARKETER).user_set.clear()
    assert client.get("/segments/").status_code == 403


@pytest.fixture
def connected() -> tuple[Source, Destination]:
    source = SourceFactory(name="Shop")
    destination = DestinationFactory(name="Ads", config={"url": "https://ads.test/hook-9", "secret": "s3cret-of-ads"})
    send(source, {"type": "track", "event": "Paid", "userId": "u1"})
    resolve_all()
    body = b'{"type":"track","email":"ana@example.com"}'
    inbox.reject(source.pk, [inbox.Rejection(0, "userId", "is missing", body)], stage="receive")
    return source, destination


def _pages(client: Client, source: Source) -> str:
    paths = ("/connectors/", f"/connectors/sources/{source.pk}/", "/connectors/rejected/", "/connectors/stream/", "/")
    return "".join(client.get(path).content.decode() for path in paths)


def test_marketers_see_that_connectors_work_but_no_key_secret_or_rejected_message(
    connected: tuple[Source, Destination],
) -> None:
    source, _ = connected
    seen = _pages(signed_in(MARKETER), source)
    assert "Shop" in seen and "Ads" in seen and "is missing" in seen
    for secret in (source.write_key, "s3cret-of-ads", "hook-9", "ana@example.com"):
        assert secret not in seen


def test_admins_see_the_write_key_and_rejected_messages_but_no_destinations_secret(
    connected: tuple[Source, Destination],
) -> None:
    source, _ = connected
    seen = _pages(signed_in(ADMIN), source)
    assert source.write_key in seen and "ana@example.com" in seen
    assert "s3cret-of-ads" not in seen


def test_agents_are_shown_no_links_to_where_they_may_not_go() -> None:
    send(SourceFactory(), {"type": "identify", "userId": "u1", "traits": {"name": "Ana"}})
    resolve_all()
    client = signed_in(AGENT)
    for path in ("/", "/people/", "/people/?q=nobody", f"/people/{person(1, 'u1').pk}/", "/search/?q=e"):
        links = set(re.findall(r'(?:href|hx-get|action)="(/[^"?#]*)', client.get(path).content.decode()))
        assert links
        barred = {
            link
            for link in links
            if link.startswith(("/segments/", "/campaigns/", "/attribution/", "/connectors/", "/admin/"))
        }
        assert not barred, path


def test_the_rail_shows_each_role_its_places() -> None:
    def rail(role: str) -> list[str]:
        page = signed_in(role).get("/people/").content.decode()
        # Those that have no room on a phone are in its menu, too.
        return list(dict.fromkeys(re.findall(r'<a class="item[^"]*" href="([^"]+)"', page)))

    assert rail(AGENT) == ["/", "/people/"]
    assert rail(MARKETER) == ["/", "/people/", "/segments/", "/campaigns/", "/attribution/", "/connectors/"]
    assert rail(ADMIN) == ["/", "/people/", "/segments/", "/campaigns/", "/attribution/", "/connectors/", "/admin/"]
