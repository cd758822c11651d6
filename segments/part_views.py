"""The parts of a segment's page that load on their own: size, make-up, overlap, versions; and its members as a file.

Each answers HTMX with the part alone, and a plain link with a page that holds it.
"""

from typing import Any

import structlog
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_POST

from cdp_site import asked
from cdp_site.charts import size_over_time
from cdp_site.roles import requires
from segments import makeup, overlap, report, roster, versions
from segments.difference import told
from segments.models import Segment
from segments.rules import RuleError

log = structlog.get_logger(__name__)
LATEST = 3  # versions on the segment's page


def _part(request: HttpRequest, segment: Segment, name: str, title: str, shown: dict[str, Any]) -> HttpResponse:
    part = f"segments/_{name}.html"
    shown |= {"segment": segment}
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, part, shown)
    return render(request, "segments/part.html", {**shown, "part": part, "title": title})


@requires("segments")
def size(request: HttpRequest, id: int) -> HttpResponse:
    """How many members there were over 30, 90 or 365 days, and who came and went."""
    found = get_object_or_404(Segment, id=id)
    return _part(request, found, "size", "Size, and who came and went", sizes_shown(found, request.GET.get("days")))


def sizes_shown(segment: Segment, wanted: str | None = None) -> dict[str, Any]:
    """What `_size.html` shows; the shortest period for any that there isn't."""
    number = asked.whole(wanted)
    days = number if number in report.PERIODS else report.PERIODS[0]
    sizes = report.sizes(segment, days)
    return {
        "days": days,
        "periods": report.PERIODS,
        "sizes": sizes,
        "chart": size_over_time(sizes.times, sizes.sizes, sizes.entered, sizes.left),
        "came": sum(sizes.entered),
        "went": sum(sizes.left),
    }


@requires("segments")
def segment_overlap(request: HttpRequest, id: int) -> HttpResponse:
    """To which other segments its members belong."""
    found = get_object_or_404(Segment, id=id)
    answer = overlap.overlap(found)
    picture = (
        overlap.picture(answer, f"Which other segments the members of {found.name} are in") if answer.others else ""
    )
    return _part(request, found, "overlap", "Overlap with other segments", {"overlap": answer, "picture": picture})


@requires("segments")
def segment_makeup(request: HttpRequest, id: int) -> HttpResponse:
    """What sets its members apart from everybody."""
    found = get_object_or_404(Segment, id=id)
    shown = {"makeup": makeup.makeup(found), "days": makeup.DAYS}
    return _part(request, found, "makeup", "What sets them apart", shown)


@requires("segments")
def segment_versions(request: HttpRequest, id: int) -> HttpResponse:
    """Every rule that it has had, and the difference between any two of them."""
    found = get_object_or_404(Segment, id=id)
    names = versions.names(found)
    before, after = request.GET.get("before"), request.GET.get("after")
    shown: dict[str, Any] = {
        "versions": versions.history(found), "names": names, "before": before, "after": after,
        "seen": versions.rule_mark(found),
    }  # fmt: skip
    if before or after:
        try:
            lines = versions.compared(found, before or "", after or "")
            shown |= {"lines": lines, "told": told(lines)}
        except (versions.NoVersion, RuleError) as error:
            shown["trouble"] = str(error)
    return _part(request, found, "versions", "Versions", shown)


@require_POST
@requires("segments")
def back(request: HttpRequest, id: int) -> HttpResponse:
    """Make an earlier rule live again, as a new version."""
    found = get_object_or_404(Segment, id=id)
    number = asked.whole(request.POST.get("number"))
    try:
        if number is None:
            raise versions.NoVersion("Say which version.")
        if versions.go_back(found, number, _by(request), request.POST.get("seen", "")):
            messages.success(request, f"The rule of version {number} is live again. Its members are being found.")
        else:
            messages.info(request, f"Version {number} has the rule that is live.")
    except (versions.NoVersion, ValueError) as error:
        messages.warning(request, str(error))
    return redirect("segment", found.pk)


@require_POST
@requires("segments")
def draft(request: HttpRequest, id: int) -> HttpResponse:
    """Publish the draft that the page showed, or discard it."""
    found = get_object_or_404(Segment, id=id)
    act, seen = request.POST.get("act"), request.POST.get("seen", "")
    try:
        if act == "discard" and versions.discard_draft(found, seen):
            messages.success(request, "The draft is gone; the live rule is as it was.")
        elif act == "publish" and versions.publish(found, _by(request), seen):
            messages.success(request, "It is live. Its members are being found.")
        elif act in ("discard", "publish"):
            messages.info(request, "There is no draft any more: it was published or discarded already.")
    except versions.Outdated as error:
        messages.warning(request, str(error))
    except ValueError as error:
        messages.warning(request, f"It can’t be published: {error}")
    return redirect("segment", found.pk)


@requires("segments")
def export(request: HttpRequest, id: int) -> Any:
    """All members as CSV with the columns that were chosen, streamed."""
    found = get_object_or_404(Segment, id=id)
    if request.method != "GET":
        raise Http404
    chosen = roster.columns(request.GET.getlist("column"))
    log.info("members_exported", segment_id=found.pk, account_id=request.user.pk, columns=[one.key for one in chosen])
    answer = StreamingHttpResponse(roster.everyone(found, chosen), content_type="text/csv; charset=utf-8")
    name = f"{slugify(found.name) or 'segment'}-{timezone.localdate():%Y-%m-%d}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _by(request: HttpRequest) -> Any:
    return request.user if request.user.is_authenticated else None
