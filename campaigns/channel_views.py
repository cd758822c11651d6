"""Channels and the rule table that says which touchpoint is of which: looked at, changed, with what a change would move."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from campaigns import forms
from campaigns.attribution import channel_table, channels, moves, sites
from campaigns.attribution.rules import read
from campaigns.models import Channel, ChannelRule
from cdp_site import asked
from cdp_site.roles import requires

MOST_STRAYS = 20


@requires("campaigns")
def table(request: HttpRequest) -> HttpResponse:
    """The rule table, what each line decides, what none does, and the channels. Cost: all origins once, some thousand."""
    lines, strays = moves.lines()
    known = Channel.objects.in_bulk()
    used = {line.rule.channel for line in lines}
    shown = {
        "lines": [(line, known.get(line.rule.channel)) for line in lines], "strays": strays[:MOST_STRAYS],
        "strays_in_all": len(strays), "days": moves.DAYS, "page": "channels", "unassigned": known.get(channels.UNASSIGNED),
        "channels": [(one, one.pk in used, one.pk in channels.BUILT_IN) for one in Channel.objects.all()],
        "lists": [(words, sorted(names)) for words, names in sites.LISTS.values()],
    }  # fmt: skip
    return render(request, "campaigns/channels.html", shown)


@requires("campaigns")
def line(request: HttpRequest, id: int | None = None) -> HttpResponse:
    """One line of the table, or a new one: what is typed is previewed (GET), then kept (POST)."""
    found = get_object_or_404(ChannelRule, pk=id) if id else None
    given = request.POST if request.method == "POST" else request.GET
    fresh = "number" not in given
    form = forms.LineForm(None if fresh else given)
    if fresh:
        form.rows = forms.typed(read(found.conditions)) if found else _begun(request)
        lines = list(ChannelRule.objects.order_by("position", "id").values_list("pk", flat=True))
        form.initial = {
            "channel": found.channel_id if found else asked.whole(request.GET.get("channel")),
            "number": lines.index(found.pk) + 1 if found else 1,
        }  # fmt: skip
    conditions = form.conditions()
    if request.method == "POST" and form.is_valid() and conditions is not None:
        moves.keep_line(id, form.cleaned_data["channel"], conditions, form.cleaned_data["number"])
        messages.success(request, "Kept. Every page reads journeys by it from now on.")
        return redirect("campaign_channels")
    shown = (
        {"form": form, "line": found, "page": "channels", "fresh": fresh} | forms.choices() | _moved(form, id, fresh)
    )
    shown["rows"] = [*form.rows, ("", "is", "")]
    status = 422 if request.method == "POST" else 200
    return render(request, "campaigns/line.html", shown, status=status)


def _begun(request: HttpRequest) -> list[tuple[str, str, str]]:
    """A new line from what nobody knew: '?source=x&medium=y'."""
    return [
        (name, "is", text)
        for name in ("source", "medium", "campaign_name", "referrer", "event")
        if (text := asked.words(request.GET.get(name)))
    ]


def _moved(form: forms.LineForm, id: int | None, fresh: bool) -> dict[str, Any]:
    """What keeping it would move; nothing to say before anything was typed."""
    conditions = form.conditions()
    if fresh or not form.is_valid() or conditions is None:
        return {"moved": None}
    rules = moves.with_line(id, form.cleaned_data["channel"].pk, conditions, form.cleaned_data["number"])
    known = Channel.objects.in_bulk()
    found = moves.moves(rules)
    return {
        "moved": [(known.get(one.before), known.get(one.after), one) for one in found[:10]],
        "moved_touches": sum(one.touches for one in found), "moved_origins": sum(one.origins for one in found),
        "days": moves.DAYS,
    }  # fmt: skip


@requires("campaigns")
def remove_line(request: HttpRequest, id: int) -> HttpResponse:
    """What removing a line would move (GET), and doing it (POST)."""
    found = get_object_or_404(ChannelRule.objects.select_related("channel"), pk=id)
    if request.method == "POST":
        moves.remove_line(found.pk)
        messages.success(request, "The line is gone.")
        return redirect("campaign_channels")
    known, moved = Channel.objects.in_bulk(), moves.moves(moves.without_line(found.pk))
    rule = next((one for one in moves.lines()[0] if one.id == found.pk), None)
    shown = {
        "line": found, "rule": rule, "moved": [(known.get(one.before), known.get(one.after), one) for one in moved[:10]],
        "moved_touches": sum(one.touches for one in moved), "moved_origins": sum(one.origins for one in moved),
        "days": moves.DAYS, "page": "channels",
    }  # fmt: skip
    return render(request, "campaigns/line_remove.html", shown)


@requires("campaigns")
@require_POST
def restore(request: HttpRequest) -> HttpResponse:
    channel_table.restore()
    channels.assign()
    messages.success(request, "The table is as it was in the beginning.")
    return redirect("campaign_channels")


@requires("campaigns")
@require_POST
def channel(request: HttpRequest, id: int | None = None) -> HttpResponse:
    """Make a channel, change its name, colour and whether it is paid; or remove it."""
    found = get_object_or_404(Channel, pk=id) if id else None
    if found and request.POST.get("act") == "remove":
        if why := moves.remove_channel(found):
            messages.error(request, why)
        return redirect("campaign_channels")
    form = forms.ChannelForm(request.POST, instance=found)
    if form.is_valid():
        form.save()
        channels.assign()
    else:
        messages.error(request, " ".join(f"{name}: {errors[0]}" for name, errors in form.errors.items()))
    return redirect("campaign_channels")
