"""Segments: the list, one segment, why somebody is in it, and the builder."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from cdp_site import asked
from cdp_site.charts import size_over_time
from cdp_site.roles import requires
from profiles.models import Profile
from segments import changes, library, report
from segments.describe import describe
from segments.explain import explain
from segments.models import Segment
from segments.rules import RuleError, from_json


@requires("segments")
def segments(request: HttpRequest) -> HttpResponse:
    """All segments, by name; archived ones at the end."""
    typed = asked.words(request.GET.get("q"))
    found = Segment.objects.filter(name__icontains=typed) if typed else Segment.objects.all()
    week, lines = report.changes_in_a_week(), report.lines()
    rows = [(one, sentence(one), week.get(one.pk), lines.get(one.pk, [])) for one in found]
    rows.sort(key=lambda row: row[0].status == Segment.Status.ARCHIVED)
    shown = {"rows": rows, "typed": typed, "ready": library.READY}
    return render(request, "segments/segments.html", shown)


def sentence(segment: Segment) -> str:
    """The rule in English; what is wrong with it where it can't be read."""
    try:
        return describe(from_json(segment.rule))
    except RuleError as error:
        return f"This rule can't be read: {error}"


@requires("segments")
def segment(request: HttpRequest, id: int) -> HttpResponse:
    """One segment: its people, its size over time, its rule."""
    found = get_object_or_404(Segment, id=id)
    after = request.GET.get("after", "")
    people, following = report.members(found, after)
    shown: dict[str, Any] = {"segment": found, "members": people, "following": following}
    if after and request.htmx:  # type: ignore[attr-defined]
        return render(request, "segments/_members.html", shown)
    sizes = report.sizes(found)
    shown |= {
        "sentence": sentence(found),
        "chart": size_over_time(sizes.hours, sizes.sizes, sizes.entered, sizes.left),
        "sizes": list(zip(sizes.hours, sizes.sizes, sizes.entered, sizes.left, strict=True))[-48:],
        "flips": report.flips(found),
        "week": report.changes_in_a_week().get(found.pk, 0),
        "versions": [(one, sentence_of(one.rule)) for one in found.versions.select_related("created_by")[:20]],
        "audiences": found.audiences.select_related("audience__destination"),
    }
    return render(request, "segments/segment.html", shown)


def sentence_of(rule: Any) -> str:
    try:
        return describe(from_json(rule))
    except RuleError as error:
        return f"This rule can't be read: {error}"


@requires("segments")
def segment_state(request: HttpRequest, id: int) -> HttpResponse:
    """The part of a segment's page that changes by itself: its size, and how far a fill is."""
    return render(request, "segments/_state.html", {"segment": get_object_or_404(Segment, id=id)})


@requires("segments")
def why(request: HttpRequest, id: int, profile_id: int) -> HttpResponse:
    """Why somebody is in a segment, or isn't: each condition with what was found."""
    found = get_object_or_404(Segment, id=id)
    person = get_object_or_404(Profile, id=profile_id)
    try:
        reason = explain(from_json(found.rule), profile_id)
    except RuleError as error:
        raise Http404(str(error)) from None
    if reason is None:
        raise Http404
    return render(request, "segments/why.html", {"segment": found, "person": person, "reason": reason})


@require_POST
@requires("segments")
def archive(request: HttpRequest, id: int) -> HttpResponse:
    """Take a segment out of use; its members leave it. Not while an audience follows it."""
    found = get_object_or_404(Segment, id=id)
    used = [str(one.audience) for one in found.audiences.select_related("audience") if one.audience.enabled]
    if used:
        messages.warning(request, f"It is in use: {', '.join(used)} follows it. Take it out there first.")
    elif found.status == Segment.Status.ARCHIVED:
        changes.set_live(found)
        messages.success(request, "It is live again; its members are being found.")
    else:
        changes.archive(found)
        messages.success(request, "It is archived; its members leave it now.")
    return redirect("segment", found.pk)
