"""A person's page: the one place where people, their segments and their sources come together."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from cdp_site import asked
from cdp_site.roles import may, requires
from profiles import search, timeline
from profiles.models import Profile
from profiles.sentences import CATEGORIES
from profiles.summary import summarise
from segments.models import Membership, Segment


@requires("people")
def person(request: HttpRequest, id: int) -> HttpResponse:
    """Profile 360. A merged person's old address leads to the living one."""
    living = search.living(id)
    if living is None:
        raise Http404
    if living != id:
        return redirect("person", living, permanent=True)
    return render(request, "profiles/person.html", _shown(request, id))


@requires("people")
def person_news(request: HttpRequest, id: int) -> HttpResponse:
    """For a page that is open: 204 while nothing has arrived since event `after`, else the page's content anew."""
    after = asked.whole(request.GET.get("after"))
    living = search.living(id)
    if living is None:
        raise Http404
    if living != id:
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = f"/people/{living}/"
        return answer
    if after is not None and timeline.newest(id) <= after:
        return HttpResponse(status=204)
    return render(request, "profiles/_person.html", _shown(request, id))


def _shown(request: HttpRequest, id: int) -> dict[str, object]:
    profile = get_object_or_404(Profile, id=id)
    since = dict(Membership.objects.filter(profile_id=id).values_list("segment_id", "since"))
    segments = [(segment, since[segment.pk]) for segment in Segment.objects.filter(pk__in=since)]
    only = request.GET.get("only", "")
    only = only if only in CATEGORIES else ""
    before = request.GET.get("before", "")
    return {
        "summary": summarise(profile),
        "profile": profile,
        "profile_id": id,
        "segments": sorted(segments, key=lambda one: one[1], reverse=True),
        "timeline": timeline.page(id, before=before, only=only),
        "only": only,
        "before": before,
        "categories": CATEGORIES,
        "may_segments": may(request.user, "segments"),
    }
