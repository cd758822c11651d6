"""The front page, its live part, and the search that is one key away everywhere."""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from campaigns.models import Campaign, Experiment
from cdp_site import asked
from cdp_site import home as figures
from cdp_site.roles import PLACES, may, requires
from connectors.health import health as source_health
from profiles.search import people as search_people
from segments.models import Segment


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the secret of its session: of before somebody signed in anew, or of another site."""
    answer = render(request, "403_csrf.html", status=403)
    answer["X-Stale-Form"] = "1"
    return answer


@requires("people")
def home(request: HttpRequest) -> HttpResponse:
    steps = [step for step in figures.first_steps() if may(request.user, step.area)]
    return render(request, "home/home.html", {**_live(request), "first_steps": steps})


@requires("people")
def home_live(request: HttpRequest) -> HttpResponse:
    """The part of the front page that changes by itself."""
    return render(request, "home/_live.html", _live(request))


def _live(request: HttpRequest) -> dict[str, object]:
    shown: dict[str, object] = {
        "people": figures.people(),
        "growth": figures.growth(),
        "flow": figures.flow(),
        "progress": figures.progress(),
    }
    if may(request.user, "segments"):
        shown["moved"] = figures.moved()
    concerns = figures.matches_waiting() if may(request.user, "identity") else []
    if may(request.user, "connectors"):
        health = source_health()
        shown["sources"] = health
        concerns += figures.concerns(health)
    if may(request.user, "admin"):
        concerns += figures.concerns_of_admins()
    shown["concerns"] = concerns
    return shown


@requires("people")
def palette(request: HttpRequest) -> HttpResponse:
    """People, segments, campaigns, experiments and pages for a few typed letters."""
    typed = asked.words(request.GET.get("q"))
    places = [place for place in PLACES if may(request.user, place.area) and typed.lower() in place.label.lower()]
    found: dict[str, object] = {"typed": typed, "places": places}
    if typed:
        found["people"] = search_people(typed, limit=8)
        if may(request.user, "segments"):
            found["segments"] = Segment.objects.filter(name__icontains=typed)[:5]
        if may(request.user, "campaigns"):
            living = Campaign.objects.exclude(status=Campaign.Status.MERGED)
            found["campaigns"] = living.filter(name__icontains=typed)[:5]
            # A key is what the sender calls it: somebody may know no other name.
            called = Q(name__icontains=typed) | Q(key__icontains=typed)
            found["experiments"] = Experiment.objects.listed().filter(called)[:5]
    return render(request, "home/_palette.html", found)
