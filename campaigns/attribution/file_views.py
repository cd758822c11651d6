"""What leaves a dashboard: its numbers as CSV, the people behind a number as a page and as CSV."""

from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from campaigns.attribution import asking, behind, board, export
from campaigns.attribution.asking import Asking
from campaigns.attribution.views import dashboard
from campaigns.attribution.which import TO_ONE, Which
from cdp_site import asked

log = structlog.get_logger(__name__)


@dashboard("attribution")
def table(request: HttpRequest, question: Asking) -> HttpResponse:
    """A page's numbers as CSV, with its filters."""
    page = request.GET.get("page", "")
    rows = export.of_page(question, page)
    return attached(export.written(rows), f"{page.replace('_', '-')}-{question.goal.name}" if page else "attribution")


def attached(text: str, name: str) -> HttpResponse:
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{_file_name(name)}"'
    return answer


def _file_name(name: str) -> str:
    return f"{slugify(name) or 'attribution'}-{timezone.localdate():%Y-%m-%d}.csv"


@dashboard("attribution_people")
def people(request: HttpRequest, question: Asking) -> HttpResponse:
    """The people behind a number: who, by which journey, worth how much."""
    which = behind.which(request.GET.dict())
    after = asked.words(request.GET.get("after"))
    here = board.people(question.query, which).partition("?")[2]
    shown = asking.shown(
        question, "attribution_people", sentence=which.sentence(), here=here, carried=list(which.query().items()),
        found=behind.people(question.filters, which, after), back=f"{reverse(_page_of(which))}?{question.query}",
        shared=_shared(which),
    )  # fmt: skip
    if request.htmx and after:  # type: ignore[attr-defined]
        return render(request, "attribution/_people.html", shown)
    return render(request, "attribution/people.html", shown)


def _page_of(which: Which) -> str:
    """The dashboard that has such a number."""
    if which.path or which.steps or which.touches or which.days:
        return "attribution_paths"
    if which.first is not None:
        return "attribution_cohorts"
    return "attribution" if which.campaign is None else "attribution_campaigns"


def _shared(which: Which) -> bool:
    """Whether others have a part in these conversions too, so that a table may have a smaller number."""
    placed = which.channel is not None or which.campaign is not None
    return placed and bool(which.converted or which.model) and not which.alone and which.model not in TO_ONE


@dashboard("attribution_people")
def people_file(request: HttpRequest, question: Asking) -> Any:
    """All of them as CSV."""
    which = behind.which(request.GET.dict())
    found = behind.profile_ids(question.filters, which)
    log.info("people_exported", account_id=request.user.pk, people=len(found), which=which.query())
    answer = StreamingHttpResponse(export.people(found), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{_file_name("people")}"'
    return answer
