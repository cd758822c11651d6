"""Campaigns: the list, the page of one, and what a marketer does with them."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from campaigns import named, picture, standing
from campaigns.attribution.numbers import Row
from campaigns.experiments.results import uplift_by_campaign
from campaigns.forms import CampaignForm, of_campaign
from campaigns.models import Campaign, CampaignName, Cost, Experiment, Origin
from cdp_site import asked
from cdp_site.roles import requires

MOST_ORIGINS_SHOWN = 12


@dataclass(frozen=True)
class Line:
    """A campaign in the list. `row`: its numbers, None where nothing of it was seen in these days."""

    campaign: Campaign
    row: Row | None
    cost: float | None

    @property
    def per_order(self) -> tuple[float, float] | None:
        return self.row.range_of("per_order") if self.row else None


@requires("campaigns")
def campaigns(request: HttpRequest) -> HttpResponse:
    """All campaigns, what they cost and how they stand. Cost: four queries, and the numbers' (kept between questions)."""
    typed, status = asked.words(request.GET.get("q")), request.GET.get("status", "")
    channel = asked.whole(request.GET.get("channel"))
    everything = named.living()
    found = standing.standing()
    spent = standing.spent(found.currency) if found else {}
    rows = found.rows if found else {}
    lines = [
        Line(one, rows.get(one.pk), spent.get(one.pk))
        for one in everything
        if typed.lower() in one.name.lower() and status in ("", one.status) and channel in (None, one.channel_id)
    ]
    lines.sort(
        key=lambda line: (-(line.cost or 0), -(line.row.journeys if line.row else 0), line.campaign.name.lower())
    )
    waiting = sum(one.status == Campaign.Status.RECOGNISED for one in everything)
    used = {one.channel.pk: one.channel for one in everything if one.channel}
    shown = {
        "lines": lines, "typed": typed, "status": status, "channel": channel, "any": bool(everything), "waiting": waiting,
        "confirmed": len(everything) - waiting, "found": found, "days": standing.DAYS, "form": CampaignForm(),
        "channels": sorted(used.values(), key=lambda one: one.name), "page": "campaigns",
    }  # fmt: skip
    return render(request, "campaigns/campaigns.html", shown)


@requires("campaigns")
def campaign(request: HttpRequest, id: int) -> HttpResponse:
    """One campaign: what it cost, in which journeys it is, under which names it arrives."""
    one = get_object_or_404(Campaign.objects.select_related("channel"), id=id)
    if one.status == Campaign.Status.MERGED and one.merged_into_id:
        return redirect("campaign", id=one.merged_into_id)
    if request.method == "POST":
        return _change(request, one)
    return render(request, "campaigns/campaign.html", _shown(one, of_campaign(one)))


def _shown(one: Campaign, form: CampaignForm) -> dict[str, Any]:
    found = standing.standing()
    row = found.rows.get(one.pk) if found else None
    shown: dict[str, Any] = {
        "campaign": one, "form": form, "found": found, "row": row,
        "per_order": row.range_of("per_order") if row else None, "days": standing.DAYS, "page": "campaigns",
        "names": one.names.order_by("kind", "source", "value"),
        "origins": Origin.objects.filter(campaign=one).order_by("-first_seen")[:MOST_ORIGINS_SHOWN],
        "experiments": Experiment.objects.listed().filter(campaign=one),
        "uplift": uplift_by_campaign(found.goal.pk).get(one.pk) if found else None,
        "last_cost": Cost.objects.filter(campaign=one).order_by("-day").first(),
        "others": [other for other in named.living() if other.pk != one.pk],
    }  # fmt: skip
    if found and (row or shown["last_cost"]):
        starts = found.table.starts
        cost = standing.cost_by_bucket(one.pk, found.currency, starts, found.filters.until)
        line = row.line if row else (0,) * len(starts)
        shown |= {
            "cost": sum(cost),
            "chart": picture.cost_and_orders(starts, cost, line, found.currency, found.goal.name.lower()),
            "buckets": list(zip(starts, cost, line, strict=True)),
        }
    return shown


def _change(request: HttpRequest, one: Campaign) -> HttpResponse:
    form = CampaignForm(request.POST)
    if form.is_valid():
        try:
            named.change(one, form.told)
            return redirect("campaign", id=one.pk)
        except named.NotSo as why:
            form.add_error(None, str(why))
    return render(request, "campaigns/campaign.html", _shown(one, form) | {"editing": True}, status=422)


@requires("campaigns")
@require_POST
def create(request: HttpRequest) -> HttpResponse:
    form = CampaignForm(request.POST)
    kind, source, value = (asked.words(request.POST.get(name)) for name in ("kind", "source", "value"))
    if form.is_valid():
        try:
            made = named.create(form.told, [(kind or "utm", source, value)] if value else [])
            return redirect("campaign", id=made.pk)
        except named.NotSo as why:
            messages.error(request, str(why))
    else:
        messages.error(request, " ".join(f"{name}: {errors[0]}" for name, errors in form.errors.items()))
    return redirect("campaigns")


def _chosen(request: HttpRequest) -> list[int]:
    given = request.POST.getlist("id") if request.method == "POST" else request.GET.getlist("id")
    return [number for text in given[:500] if (number := asked.whole(text)) is not None]


@requires("campaigns")
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    done = named.confirm(_chosen(request))
    messages.success(request, f"{done} confirmed." if done else "None of those was waiting to be confirmed.")
    back = request.POST.get("back", "")
    return redirect(back if back.startswith("/campaigns/") else "campaigns")


@requires("campaigns")
def merge(request: HttpRequest) -> HttpResponse:
    """Ask which one the chosen campaigns are (GET), and make them one (POST)."""
    found = [one for one in named.living() if one.pk in set(_chosen(request))]
    if len(found) < 2:
        messages.error(request, "Choose at least two campaigns that are one.")
        return redirect("campaigns")
    if request.method != "POST":
        best = max(found, key=lambda one: (one.status == Campaign.Status.CONFIRMED, -one.pk))
        return render(request, "campaigns/merge.html", {"found": found, "best": best, "page": "campaigns"})
    winner = next((one for one in found if one.pk == asked.whole(request.POST.get("winner"))), found[0])
    try:
        named.merge(winner, found)
    except named.NotSo as why:
        messages.error(request, str(why))
        return redirect("campaigns")
    messages.success(request, f"{len(found)} campaigns are one now.")
    return redirect("campaign", id=winner.pk)


@requires("campaigns")
@require_POST
def names(request: HttpRequest, id: int) -> HttpResponse:
    """Add a name under which the campaign arrives, or take one away."""
    one = get_object_or_404(Campaign, id=id)
    try:
        if removed := asked.whole(request.POST.get("remove")):
            named.remove_name(get_object_or_404(CampaignName, pk=removed, campaign=one))
        else:
            kind, source, value = (asked.words(request.POST.get(name)) for name in ("kind", "source", "value"))
            named.add_name(one, kind, source, value)
    except named.NotSo as why:
        messages.error(request, str(why))
    return redirect("campaign", id=one.pk)
