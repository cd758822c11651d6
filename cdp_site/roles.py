"""Who may see and do what: agents see people, marketers segments and connectors' health too, admins secrets as well."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

AGENT, MARKETER, ADMIN = "Support agent", "Marketer", "Admin"

# area -> the roles that may enter it. A superuser may enter all.
AREAS: dict[str, frozenset[str]] = {
    "people": frozenset({AGENT, MARKETER, ADMIN}),
    # To decide by hand who is who: whoever talks with the person, not whoever only counts them.
    "identity": frozenset({AGENT, ADMIN}),
    "segments": frozenset({MARKETER, ADMIN}),
    # Campaigns, experiments, attribution.
    "campaigns": frozenset({MARKETER, ADMIN}),
    "connectors": frozenset({MARKETER, ADMIN}),
    "admin": frozenset({ADMIN}),
}

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Place:
    """An entry of the rail."""

    name: str
    label: str
    icon: str
    area: str
    prefix: str


PLACES = (
    Place("home", "Home", "house", "people", "/"),
    Place("people", "People", "users", "people", "/people/"),
    Place("segments", "Segments", "funnel", "segments", "/segments/"),
    Place("campaigns", "Campaigns", "megaphone", "campaigns", "/campaigns/"),
    Place("attribution", "Attribution", "route", "campaigns", "/attribution/"),
    Place("connectors", "Connectors", "cable", "connectors", "/connectors/"),
)


def roles_of(person: AbstractBaseUser | AnonymousUser) -> set[str]:
    """The role names of somebody signed in; a superuser is an admin."""
    if not person.is_authenticated:
        return set()
    assert isinstance(person, User)
    known: set[str] | None = getattr(person, "_tributary_roles", None)
    if known is None:
        known = set(person.groups.values_list("name", flat=True)) | ({ADMIN} if person.is_superuser else set())
        person._tributary_roles = known  # type: ignore[attr-defined]
    return known


def may(person: AbstractBaseUser | AnonymousUser, area: str) -> bool:
    """Whether somebody may enter an area."""
    return bool(roles_of(person) & AREAS[area])


def requires(area: str) -> Callable[[View], View]:
    """For views: answer 403 unless the person signed in may enter `area`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may(request.user, area):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return checked

    return decorate


def navigation(request: HttpRequest) -> dict[str, Any]:
    """For templates: the rail's places, what the person may, and the chosen theme."""
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return {"theme": request.COOKIES.get("theme", "")}
    path = request.path
    return {
        "theme": request.COOKIES.get("theme", ""),
        "places": [
            (place, path == "/" if place.prefix == "/" else path.startswith(place.prefix))
            for place in PLACES
            if may(person, place.area)
        ],
        "may": {area: may(person, area) for area in AREAS},
        "role": next((role for role in (ADMIN, MARKETER, AGENT) if role in roles_of(person)), ""),
    }
