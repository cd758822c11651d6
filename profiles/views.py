"""The list of people with its search, and the parts of a person's page that are fetched on their own."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from cdp_site.roles import requires
from profiles import search, timeline
from profiles.models import Profile
from profiles.sentences import CATEGORIES


@requires("people")
def people(request: HttpRequest) -> HttpResponse:
    """Recent people, or those whom a search finds."""
    typed = request.GET.get("q", "").strip()
    show = request.GET.get("show", "")
    identified = {"identified": True, "anonymous": False}.get(show)
    shown: dict[str, object] = {"typed": typed, "show": show}
    if typed:
        shown["people"] = search.people(typed, limit=50)
    else:
        page = search.recent(request.GET.get("after", ""), identified=identified)
        shown |= {"people": page.people, "following": page.following}
    template = "profiles/people.html"
    if request.htmx:  # type: ignore[attr-defined]
        template = "profiles/_rows.html" if request.GET.get("after") else "profiles/_people.html"
    return render(request, template, shown)


@requires("people")
def person_timeline(request: HttpRequest, id: int) -> HttpResponse:
    """The timeline, or its next page."""
    id = _living(id)
    only = request.GET.get("only", "")
    only = only if only in CATEGORIES else ""
    before = request.GET.get("before", "")
    page = timeline.page(id, before=before, only=only)
    shown = {"timeline": page, "only": only, "profile_id": id, "categories": CATEGORIES}
    return render(request, "profiles/_days.html" if before else "profiles/_timeline.html", shown)


@requires("people")
def person_event(request: HttpRequest, id: int, event_id: int) -> HttpResponse:
    """One event with all that it carried."""
    living = _living(id)
    entry = timeline.one(living, event_id)
    if entry is None:
        raise Http404
    shown = {"entry": entry, "profile_id": living, "person": Profile.objects.get(id=living)}
    template = "profiles/_event.html" if request.htmx else "profiles/event.html"  # type: ignore[attr-defined]
    return render(request, template, shown)


def _living(id: int) -> int:
    """Whom an id leads to now: a page stays open while its person is merged."""
    living = search.living(id)
    if living is None:
        raise Http404
    return living
