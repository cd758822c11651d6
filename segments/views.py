"""Segments: the list, the page of one, and why somebody is in it. The parts of the page have `part_views`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from cdp_site import asked
from cdp_site.roles import requires
from profiles.models import Profile
from segments import catalog, changes, library, report, roster, versions
from segments.difference import told
from segments.explain import explain
from segments.models import Segment
from segments.part_views import sizes_shown
from segments.rules import RuleError, from_json
from segments.text import to_text

REMEMBERED = "member_columns"  # in the session: the columns that somebody chose last


@dataclass(frozen=True)
class Row:
    """A segment in the list. `week`: what it gained or lost; None while there is nothing to say yet."""

    segment: Segment
    sentence: str
    week: int | None
    line: list[int]
    used: list[str]


@requires("segments")
def segments(request: HttpRequest) -> HttpResponse:
    """All segments by name, or those of a part of a name and a status; archived ones at the end. Cost: five queries."""
    typed, status = asked.words(request.GET.get("q")), request.GET.get("status", "")
    everything = list(Segment.objects.prefetch_related("audiences__audience__destination"))
    found = [
        one
        for one in everything
        if typed.lower() in one.name.lower() and (status not in Segment.Status.values or one.status == status)
    ]
    week, lines, asking = report.changes_in_a_week(), report.lines(), report.asked_by(everything)
    rows = [
        Row(one, versions.sentence(one.rule), week.get(one.pk), lines.get(one.pk, []), _used_words(one, asking))
        for one in found
    ]
    rows.sort(key=lambda row: row.segment.status == Segment.Status.ARCHIVED)
    counts = {value: sum(one.status == value for one in everything) for value in Segment.Status.values}
    shown = {
        "rows": rows, "typed": typed, "status": status, "any": bool(everything), "ready": library.READY,
        "statuses": [(value, label, counts[value]) for value, label in Segment.Status.choices if counts[value]],
        "working": any(one.filling_version for one in found),
    }  # fmt: skip
    return render(request, "segments/segments.html", shown)


def _used_words(segment: Segment, asking: Mapping[str, list[Segment]]) -> list[str]:
    channels = [f"{one.audience.destination.name}: {one.audience.name}" for one in segment.audiences.all()]
    return channels + [f"segment “{one.name}”" for one in asking.get(segment.name, [])]


@requires("segments")
def segment(request: HttpRequest, id: int) -> HttpResponse:
    """One segment: its people with the columns that were chosen, its size over time, its rule; the rest loads by itself."""
    found = get_object_or_404(Segment, id=id)
    members = _members(request, found)
    if request.htmx and request.htmx.target == "roster":  # type: ignore[attr-defined]
        return render(request, "segments/_roster.html", members)
    if request.htmx and request.GET.get("after"):  # type: ignore[attr-defined]
        return render(request, "segments/_members.html", members)
    kept = versions.history(found, 3)
    shown = members | sizes_shown(found, request.GET.get("days")) | {
        "sentence": versions.sentence(found.rule),
        "text": _text(found),
        "flips": report.flips(found),
        "week": report.changes_in_a_week().get(found.pk, 0),
        "latest": kept,
        "draft": _draft(found),
        "seen": versions.draft_mark(found),
        "audiences": found.audiences.select_related("audience__destination"),
        "asking": report.asked_by(list(Segment.objects.exclude(pk=found.pk))).get(found.name, []),
    }  # fmt: skip
    return render(request, "segments/segment.html", shown)


def _members(request: HttpRequest, segment: Segment) -> dict[str, Any]:
    """What `_roster.html` and `_members.html` show: columns from the address, or those that were chosen last."""
    chosen = request.GET.getlist("column")
    columns = roster.columns(chosen or request.session.get(REMEMBERED, []))
    if chosen:
        request.session[REMEMBERED] = [one.key for one in columns]
    by = roster.order(request.GET.get("sort"))
    page = roster.members(segment, by, request.GET.get("after", ""))
    return {
        "segment": segment,
        "columns": columns,
        "heads": [(one, _sorting(one, by), one == by.column, by.descending) for one in columns],
        "by": by,
        "members": [(one, one.cells(columns[1:])) for one in page.members],
        "following": page.following,
        "query": urlencode([("column", one.key) for one in columns]),
        "choices": lambda: _choices(columns),
    }


def _sorting(column: roster.Column, by: roster.Order) -> str:
    """By what a click on the column's head sorts: the other way round where it is sorted already; times newest first."""
    down = not by.descending if column == by.column else column.key in roster.TIMES
    return roster.Order(column, down).text


def _choices(chosen: tuple[roster.Column, ...]) -> list[tuple[roster.Column, bool]]:
    """Every column that there is, and whether it is chosen. Asked for by the whole page only (some 10 ms)."""
    known = [roster.Column(key) for key in roster.COLUMNS if key != roster.PERSON]
    known += [roster.Column(f"{roster.TRAIT}{one.name}") for one in catalog.traits(60)]
    return [(one, one in chosen) for one in dict.fromkeys([*known, *chosen[1:]])]


def _draft(segment: Segment) -> dict[str, Any] | None:
    """The draft beside the live rule: its sentence and what it changes."""
    if segment.draft is None:
        return None
    try:
        lines = versions.compared(segment, str(segment.version), versions.DRAFT)
    except (RuleError, versions.NoVersion):
        lines = []
    return {"sentence": versions.sentence(segment.draft), "lines": lines, "told": told(lines)}


def _text(segment: Segment) -> str:
    try:
        return to_text(from_json(segment.rule))
    except RuleError:
        return ""


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
    except ValueError as error:
        raise Http404(str(error)) from None
    if reason is None:
        raise Http404
    named = report.some([person.pk])[0].title
    return render(request, "segments/why.html", {"segment": found, "person": person, "named": named, "reason": reason})


@require_POST
@requires("segments")
def archive(request: HttpRequest, id: int) -> HttpResponse:
    """Take a segment out of use; its members leave it. Not while an audience follows it or another segment asks for it."""
    found = get_object_or_404(Segment, id=id)
    used = [str(one.audience) for one in found.audiences.select_related("audience") if one.audience.enabled]
    used += [f"“{one.name}”" for one in report.asked_by(list(Segment.objects.exclude(pk=found.pk))).get(found.name, [])]
    try:
        if found.status == Segment.Status.ARCHIVED:
            changes.set_live(found)
            messages.success(request, "It is live again; its members are being found.")
        elif used:
            messages.warning(request, f"It is in use: {', '.join(used)} follows it. Take it out there first.")
        else:
            changes.archive(found)
            messages.success(request, "It is archived; its members leave it now.")
    except ValueError as error:
        messages.warning(request, str(error))
    return redirect("segment", found.pk)
