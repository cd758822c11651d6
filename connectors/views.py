"""Connectors as people see them: who sends, who is sent to, what has just arrived, what was refused."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from cdp_site import asked
from cdp_site.roles import may, requires
from connectors import status, stream
from connectors.health import health
from connectors.models import Destination, Source
from profiles import inbox
from profiles.models import Rejected

PAGE = 50


@requires("connectors")
def connectors(request: HttpRequest) -> HttpResponse:
    """Sources and destinations, each with its state in words."""
    by_destination: dict[int, list[status.Status]] = {}
    for one in status.statuses():
        by_destination.setdefault(one.destination_id, []).append(one)
    destinations = [(one, by_destination.get(one.pk, [])) for one in Destination.objects.all()]
    shown = {
        "sources": health(),
        "destinations": destinations,
        "rejected": Rejected.objects.filter(replayed_at=None).count(),
    }
    return render(request, "connectors/connectors.html", shown)


@requires("connectors")
def source(request: HttpRequest, id: int) -> HttpResponse:
    """One source: its state, how to send to it. Its key is for admins alone."""
    found = get_object_or_404(Source, id=id)
    admin = may(request.user, "admin")
    shown = {
        "source": found,
        "health": next(one for one in health() if one.source.pk == found.pk),
        "write_key": found.write_key if admin else "",
        "host": f"{request.scheme}://{request.get_host()}",
        "arrived": stream.newest(source_id=found.pk, most=15),
        "refused": Rejected.objects.filter(source_id=found.pk, replayed_at=None).count(),
    }
    return render(request, "connectors/source.html", shown)


@requires("connectors")
def stream_page(request: HttpRequest) -> HttpResponse:
    """The newest messages; asked for again every two seconds, only those after the last one shown."""
    after, source_id = asked.whole(request.GET.get("after")), asked.whole(request.GET.get("source"))
    name = asked.words(request.GET.get("name"))
    found = stream.newest(after=after or 0, source_id=source_id, name=name)
    shown = {
        "arrived": found,
        "after": found[0].id if found else after or 0,
        "source_id": str(source_id or ""),
        "name": name,
        "sources": Source.objects.all(),
    }
    if request.htmx:  # type: ignore[attr-defined]
        if after is not None and not found:
            return HttpResponse(status=204)
        return render(request, "connectors/_arrived.html" if after is not None else "connectors/_stream.html", shown)
    return render(request, "connectors/stream.html", shown)


@requires("connectors")
def streamed(request: HttpRequest, event_id: int) -> HttpResponse:
    """One message, whole."""
    found = stream.opened(event_id)
    if found is None:
        raise Http404
    template = "connectors/_message.html" if request.htmx else "connectors/message.html"  # type: ignore[attr-defined]
    return render(request, template, {"opened": found})


@requires("connectors")
def rejected(request: HttpRequest) -> HttpResponse:
    """Messages that couldn't be taken. Their payloads are personal data: admins see them."""
    rows = Rejected.objects.filter(replayed_at=None)
    if before := asked.whole(request.GET.get("before")):
        rows = rows.filter(id__lt=before)
    payloads = may(request.user, "admin")
    found = list((rows if payloads else rows.defer("payload"))[: PAGE + 1])
    shown = {
        "rejected": [
            (one, bytes(one.payload[:4000]).decode("utf-8", "replace") if payloads else "") for one in found[:PAGE]
        ],
        "before": found[PAGE - 1].pk if len(found) > PAGE else None,
        "may_replay": payloads,
    }
    return render(request, "connectors/rejected.html", shown)


@require_POST
@requires("admin")
def replay(request: HttpRequest) -> HttpResponse:
    """Send chosen rejected messages through the inbox once more."""
    ids = [number for one in request.POST.getlist("id") if (number := asked.whole(one))]
    if not ids:
        messages.warning(request, "None was chosen: tick the messages to send through again first.")
        return redirect("rejected")
    number = inbox.replay_rejected(ids)
    messages.success(
        request,
        f"{number} message{'s' if number != 1 else ''} sent through again; what is still wrong comes back here.",
    )
    return redirect("rejected")
