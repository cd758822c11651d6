"""Experiments: the list, the page of one with its result, the people behind each number. Files have `file_views`."""

import csv
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_POST

from campaigns.experiments import arriving, enrol, people, picture, telling
from campaigns.experiments.forms import About
from campaigns.experiments.outcomes import Outcome, default_outcome, event_names, goals, named
from campaigns.experiments.results import ArmResult, Result, measure
from campaigns.models import Experiment
from cdp_site import asked
from cdp_site.roles import requires

MOST_LISTED = 200


@dataclass(frozen=True)
class Row:
    """An experiment in the list, with what it says on the main goal."""

    experiment: Experiment
    result: Result | None
    sentence: str


@requires("campaigns")
def experiments(request: HttpRequest) -> HttpResponse:
    """All experiments, the newest first. Cost: a kept result each, at most an hour old."""
    outcome = default_outcome()
    found = Experiment.objects.listed().select_related("channel", "campaign").prefetch_related("arms")[:MOST_LISTED]
    rows = [_row(one, outcome) for one in found]
    archived = Experiment.objects.exclude(archived_at=None).order_by("-archived_at")[:MOST_LISTED]
    shown = {
        "rows": rows, "archived": archived, "outcome": outcome, "queued": enrol.queued(), "page": "experiments",
    }  # fmt: skip
    return render(request, "experiments/experiments.html", shown)


def _row(experiment: Experiment, outcome: Outcome | None) -> Row:
    if outcome is None:
        return Row(experiment, None, "No goal yet to measure it on.")
    if waiting := arriving.left(experiment):
        return Row(experiment, None, arriving.sentence(waiting))
    result = measure(experiment, outcome)
    return Row(experiment, result, telling.sentence(result))


@requires("campaigns")
def experiment(request: HttpRequest, id: int) -> HttpResponse:
    """One experiment: what each arm added on an outcome, whether people were split as planned, what it could see."""
    found = get_object_or_404(Experiment.objects.select_related("channel", "campaign"), pk=id)
    outcome = _outcome(request)
    shown: dict[str, Any] = {
        "experiment": found, "outcome": outcome, "goals": goals(), "events": event_names(), "queued": enrol.queued(),
    }  # fmt: skip
    if waiting := arriving.left(found):
        shown |= {"arriving": waiting, "sentence": arriving.sentence(waiting)}
    elif outcome is not None:
        shown |= _shown(measure(found, outcome))
    if request.htmx and request.htmx.target == "result":  # type: ignore[attr-defined]
        return render(request, "experiments/_result.html", shown)
    return render(request, "experiments/experiment.html", shown)


def _shown(result: Result) -> dict[str, Any]:
    control = result.control
    return {
        "result": result,
        "sentence": telling.sentence(result),
        "cards": [_card(one, control, result.outcome) for one in result.others if one.rate is not None and control],
        "chart": picture.differences(result.others),
    }


def _card(one: ArmResult, control: ArmResult, outcome: Outcome) -> tuple[ArmResult, str]:
    return one, telling.of_arm(one, control, outcome.label)


def _outcome(request: HttpRequest) -> Outcome | None:
    """The outcome that the address asks for; without one the main goal, else orders."""
    wanted = asked.words(request.GET.get("on"))
    if event := asked.words(request.GET.get("event")):
        wanted = f"event:{event}"
    if not wanted:
        return default_outcome()
    outcome = named(wanted)
    if outcome is None:
        raise Http404("There is no such goal or event.")
    return outcome


@requires("campaigns")
def edit(request: HttpRequest, id: int) -> HttpResponse:
    """Its name, what it is about, how long outcomes count, the control and the planned shares."""
    found = get_object_or_404(Experiment, pk=id)
    form = About(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "It is kept; the result follows it.")
        return redirect("experiment", found.pk)
    return render(request, "experiments/edit.html", {"experiment": found, "form": form, "rows": form.rows()})


@requires("campaigns")
@require_POST
def archive(request: HttpRequest, id: int) -> HttpResponse:
    """Out of the lists, the search and attribution; who is in it is followed as before, so it can come back whole."""
    found = get_object_or_404(Experiment, pk=id)
    Experiment.objects.listed().filter(pk=found.pk).update(archived_at=timezone.now())
    messages.success(request, f"“{found.name}” is archived.", extra_tags="good")
    return redirect("experiments")


@requires("campaigns")
@require_POST
def bring_back(request: HttpRequest, id: int) -> HttpResponse:
    """Into the lists, the search and attribution again."""
    found = get_object_or_404(Experiment, pk=id)
    Experiment.objects.filter(pk=found.pk).update(archived_at=None)
    messages.success(request, f"“{found.name}” is in the lists again.", extra_tags="good")
    return redirect("experiment", found.pk)


@requires("campaigns")
def behind(request: HttpRequest, id: int) -> HttpResponse:
    """The people of an arm (`arm`: its id, or 'several' for those in more than one); those with an outcome (`on`)."""
    found = get_object_or_404(Experiment, pk=id)
    several = request.GET.get("arm") == people.SEVERAL
    arm = None if several else found.arms.filter(pk=asked.whole(request.GET.get("arm")) or 0).first()
    if arm is None and not several:
        raise Http404("There is no such arm.")
    outcome = _outcome(request) if request.GET.get("on") else None
    page = people.page(found, arm.pk if arm else None, outcome, asked.whole(request.GET.get("after")) or 0)
    shown = {
        "experiment": found, "arm": arm, "outcome": outcome, "page": page, "after": request.GET.get("after"),
    }  # fmt: skip
    return render(request, "experiments/people.html", shown)


_HEAD = [
    "arm", "control", "people", "people_expected", "converted", "rate", "difference", "difference_low", "difference_high",
    "value_per_person", "value_difference", "value_difference_low", "value_difference_high", "smallest_difference_seen",
]  # fmt: skip


@requires("campaigns")
def export(request: HttpRequest, id: int) -> HttpResponse:
    """The result as CSV: shares and differences between 0 and 1, values in the outcome's currency."""
    found = get_object_or_404(Experiment, pk=id)
    outcome = _outcome(request)
    if outcome is None:
        raise Http404("There is no goal yet.")
    if waiting := arriving.left(found):
        messages.warning(request, f"There is nothing to export yet. {arriving.sentence(waiting)}")
        return redirect("experiment", found.pk)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slugify(found.name) or "experiment"}.csv"'
    out = csv.writer(response)
    out.writerow(_HEAD)
    for one in measure(found, outcome).arms:
        name = one.arm.name if one.arm.name[:1] not in "=+-@\t\r" else f"'{one.arm.name}"
        rate, value = one.rate, one.value
        out.writerow([
            name, one.arm.control, one.tally.people, one.expected, one.tally.converted, one.tally.rate,
            *((rate.estimate, rate.low, rate.high) if rate else (None, None, None)), one.tally.mean,
            *((value.estimate, value.low, value.high) if value else (None, None, None)), one.smallest,
        ])  # fmt: skip
    return response
