"""A new experiment: how its messages look, and a file of who is in which arm, with what it would do before it is sent."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from campaigns.experiments import files, importing
from campaigns.experiments.forms import Reading, Upload
from campaigns.models import EnrolmentFile
from cdp_site.roles import requires


@requires("campaigns")
def new(request: HttpRequest) -> HttpResponse:
    """Both ways in; an uploaded file is kept and looked at."""
    form = Upload(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data["file"]
        try:
            if sent.size > files.MOST_BYTES:
                raise files.Unreadable(f"The file is larger than {files.MOST_BYTES // 2**20} MB. Cut it in parts.")
            kept = importing.keep(sent.name, sent.read(), request.user.get_username())
            return redirect("experiment_file", kept.pk)
        except files.Unreadable as why:
            form.add_error("file", str(why))
    return render(request, "experiments/new.html", {"form": form})


@requires("campaigns")
def file(request: HttpRequest, id: int) -> HttpResponse:
    """What a file would do, read as chosen (the address says how); sent on POST, if that is what was looked at."""
    kept = EnrolmentFile.objects.filter(pk=id).first()
    if kept is None:
        return _gone(request)
    table = files.opened(bytes(kept.body))
    kinds = {kind.name: kind for kind in importing.kinds()}
    given = request.POST if request.method == "POST" else request.GET if "identifier" in request.GET else kept.chosen
    form = Reading(given, table, [(name, kind.label) for name, kind in kinds.items()])
    shown: dict[str, Any] = {"file": kept, "form": form, "head": table.head}
    if form.is_valid():
        chosen = form.chosen()
        kind = kinds[chosen.kind]
        summary = files.summary(table, chosen, kind.form, importing.country())
        crowded = len(summary.arms) > files.MOST_ARMS
        shown |= {
            "chosen": chosen, "summary": summary, "crowded": crowded, "arms": summary.arms.most_common(files.MOST_ARMS),
            "known": importing.known(kind, summary), "kind": kind, "ready": bool(summary.taken) and not crowded,
            "looked": chosen.mark, "unseen": request.method == "POST" and request.POST.get("looked") != chosen.mark,
        }  # fmt: skip
        if request.method == "POST" and shown["ready"] and not shown["unseen"]:
            try:
                experiment, sent = importing.send(kept, table, chosen, kind)
            except importing.Gone:
                return _gone(request)
            messages.success(request, f"{sent:,} enrolments are on their way; they show here as they are read.")
            return redirect("experiment", experiment.pk)
    return render(request, "experiments/file.html", shown)


def _gone(request: HttpRequest) -> HttpResponse:
    messages.info(request, "That file is gone: it was sent or thrown away already.")
    return redirect("experiments")


@requires("campaigns")
def forget(request: HttpRequest, id: int) -> HttpResponse:
    """Throw an uploaded file away."""
    if request.method == "POST":
        if not EnrolmentFile.objects.filter(pk=id).delete()[0]:
            return _gone(request)
        messages.success(request, "The file is gone; nothing was sent.")
    return redirect("experiment_new")
