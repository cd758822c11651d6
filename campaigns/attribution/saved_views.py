"""Saved views: a dashboard with its filters under a name, and the e-mail that brings it on some days of the week."""

from typing import Any

import structlog
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from campaigns.attribution import asking, reports
from campaigns.attribution.forms import PAGES, WEEKDAYS, ReportForm, ViewForm
from campaigns.models import Report, SavedView
from cdp_site.roles import requires

log = structlog.get_logger(__name__)


@requires("campaigns")
def views(request: HttpRequest) -> HttpResponse:
    """All saved views, and when each is sent to whom."""
    return _page(request)


def _page(request: HttpRequest, wrong: tuple[int, ReportForm] | None = None) -> HttpResponse:
    found = []
    for view in SavedView.objects.prefetch_related("reports").select_related("created_by"):
        report = next(iter(view.reports.all()), None)
        form = wrong[1] if wrong and wrong[0] == view.pk else ReportForm.of(report)
        found.append(
            (view, f"{reverse(view.page)}?{view.query}", PAGES.get(view.page, ""), report, _days(report), form)
        )
    shown = {"views": found, "page": "attribution_views", "q": "", "open": wrong[0] if wrong else 0}
    return render(request, "attribution/views.html", shown, status=422 if wrong else 200)


def _days(report: Report | None) -> str:
    if report is None:
        return ""
    days = "every day" if len(report.weekdays) == 7 else ", ".join(WEEKDAYS[day] for day in sorted(report.weekdays))
    return f"{days} at {report.hour}:00"


@require_POST
@requires("campaigns")
def keep(request: HttpRequest) -> HttpResponse:
    """Keep the page that somebody looks at under a name."""
    form = ViewForm(request.POST)
    page = request.POST.get("page", "")
    there = f"{reverse(page if page in PAGES else 'attribution')}?{_clean(request.POST.get('query', ''))}"
    if not form.is_valid():
        for errors in form.errors.values():
            messages.warning(request, str(errors[0]))
        return redirect(there)
    view = SavedView.objects.create(
        name=form.cleaned_data["name"], page=page, query=_clean(form.cleaned_data["query"]), created_by=_by(request)
    )
    messages.success(request, f"Kept as “{view.name}”. It can be sent by e-mail, too.")
    return redirect("attribution_views")


def _clean(query: str) -> str:
    """Only what a dashboard's address may hold."""
    given = QueryDict(query, mutable=True)
    for key in list(given):
        if key not in asking.KEYS:
            del given[key]
    return given.urlencode()


@require_POST
@requires("campaigns")
def remove(request: HttpRequest, id: int) -> HttpResponse:
    """Remove a view, and its letter."""
    view = get_object_or_404(SavedView, id=id)
    view.delete()
    messages.success(request, f"“{view.name}” is gone{', and is sent no more' if view.reports else ''}.")
    return redirect("attribution_views")


@require_POST
@requires("campaigns")
def letter(request: HttpRequest, id: int) -> HttpResponse:
    """Send a view on some days, change when and to whom, send it once now, or stop."""
    view = get_object_or_404(SavedView, id=id)
    report = view.reports.first()
    act = request.POST.get("act")
    if act == "stop":
        view.reports.all().delete()
        messages.success(request, f"“{view.name}” is sent no more.")
        return redirect("attribution_views")
    form = ReportForm.of(report, request.POST)
    if not form.is_valid():
        return _page(request, (view.pk, form))
    kept = _kept(request, view, report, form.cleaned_data)
    if act == "now":
        _send_now(request, kept)
    else:
        messages.success(request, f"“{view.name}” goes out {_days(kept)} to {', '.join(kept.to)}.")
    return redirect("attribution_views")


def _kept(request: HttpRequest, view: SavedView, report: Report | None, said: dict[str, Any]) -> Report:
    report = report or Report(view=view)
    report.to, report.weekdays, report.hour = said["to"], sorted(said["weekdays"]), said["hour"]
    report.due_at = reports.next_due(report.weekdays, report.hour, timezone.now())
    report.attempts, report.error, report.enabled = 0, "", True
    report.round, report.sent_to = report.round + 1, []
    report.site = request.build_absolute_uri("/").rstrip("/")
    report.save()
    return report


def _send_now(request: HttpRequest, report: Report) -> None:
    """The same letter, once, to see whether it arrives."""
    reached: list[str] = []
    try:
        reports.post(report, report.to, reached.append)
    except Exception as error:  # noqa: BLE001  # what the mail server says is what the person needs
        log.warning("report_failed", report_id=report.pk, error=type(error).__name__)
        others = f" It went to {', '.join(reached)}." if reached else ""
        messages.error(request, f"It couldn’t be sent: {reports.in_words(error)}{others}")
        return
    # The next letter is another one, not this one once more.
    Report.objects.filter(pk=report.pk).update(sent_at=timezone.now(), error="", round=report.round + 1)
    messages.success(request, f"Sent to {', '.join(report.to)}.")


def _by(request: HttpRequest) -> Any:
    return request.user if request.user.is_authenticated else None
