"""Costs: what is known, typed by hand, and read from a file after a look at what it would do; what exclusion saved."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from campaigns import costs, named, picture, saved
from campaigns.cost_file import COLUMNS, MOST_ERRORS, Unreadable
from campaigns.forms import CostForm
from campaigns.models import AudienceChannel, Campaign, Channel, Cost
from cdp_site import asked, sql
from cdp_site.roles import requires
from connectors.models import Audience

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
LARGEST_FILE = 1_500_000  # bytes: it is carried from the look at it to the keeping in the page itself

_KNOWN = """
SELECT channel_id, campaign_id, currency, min(day), max(day), count(*), sum(amount)::float8,
    sum(amount) FILTER (WHERE day > %s)::float8, max(said_by), max(said_at)
FROM campaign_cost GROUP BY 1, 2, 3 ORDER BY 8 DESC NULLS LAST, 7 DESC
"""


@requires("campaigns")
def overview(request: HttpRequest) -> HttpResponse:
    """What is known by campaign, and the two ways in."""
    form = CostForm(request.POST or None, initial=_begun(request))
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            days = costs.by_hand(
                told["channel"], told["campaign"], told["since"], told["until"], told["amount"],
                told["currency"].upper(), request.user.get_username(),
            )  # fmt: skip
            messages.success(request, f"Kept for {days} day{'s' if days > 1 else ''}.")
            return redirect("campaign_costs")
        except named.NotSo as why:
            form.add_error(None, str(why))
    channels, campaigns = Channel.objects.in_bulk(), Campaign.objects.in_bulk()
    since = timezone.localdate() - timedelta(days=30)
    rows = [(channels.get(row[0]), campaigns.get(row[1]), *row[2:]) for row in sql.rows(_KNOWN, (since,))]
    shown = {
        "form": form, "rows": rows, "page": "costs",
        "columns": [(name, aliases[0]) for name, aliases in COLUMNS.items()],
    }  # fmt: skip
    return render(request, "campaigns/costs.html", shown, status=422 if form.is_bound else 200)


def _begun(request: HttpRequest) -> dict[str, Any]:
    return {"campaign": asked.whole(request.GET.get("campaign")), "channel": asked.whole(request.GET.get("channel"))}


@requires("campaigns")
def file(request: HttpRequest) -> HttpResponse:
    """What a file would do; with `keep` it is done. The file is in the page between the two: an address that is only opened
    leads to where one is chosen."""
    if request.method != "POST":
        return redirect("campaign_costs")
    sent = request.FILES.get("file")
    name = asked.words(sent.name if sent else request.POST.get("name")) or "pasted"
    if sent and (sent.size or 0) > LARGEST_FILE:
        return _refused(request, f"{name} is larger than 1.5 MB: send it in parts.")
    body = sent.read() if sent else b""
    if b"\0" in body[:4096] and not body.startswith(UTF_16):
        return _refused(request, f"{name} is no text. Save the table as CSV and choose that file.")
    text = _text(body) if sent else request.POST.get("text", "").replace("\0", "")
    if not text.strip():
        return _refused(request, "Choose a file, or paste its lines.")
    try:
        plan = costs.plan(text)
    except Unreadable as why:
        return _refused(request, f"{name} can’t be read. {why}")
    if request.POST.get("keep") and plan.spent:
        days = costs.write(plan.spent, name)
        messages.success(request, f"{name}: {days:,} costs kept.")
        return redirect("campaign_costs")
    shown = {"plan": plan, "name": name, "text": text, "wrong": plan.wrong[:MOST_ERRORS], "page": "costs"}
    return render(request, "campaigns/cost_file.html", shown)


def _text(body: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16" if body.startswith(UTF_16) else "utf-8", "cp1252"):
        try:
            return body.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1").replace("\0", "")


def _refused(request: HttpRequest, why: str) -> HttpResponse:
    messages.error(request, why)
    return redirect("campaign_costs")


@requires("campaigns")
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Forget the costs of a channel or campaign, all or of some days."""
    channel = get_object_or_404(Channel, pk=asked.whole(request.POST.get("channel")))
    campaign = asked.whole(request.POST.get("campaign"))
    since, until = (_day(request.POST.get(name)) for name in ("since", "until"))
    gone = costs.remove(channel.pk, campaign, since or date.min, until or date.max)
    messages.success(request, f"The costs of {gone:,} day{'' if gone == 1 else 's'} are forgotten.")
    return redirect("campaign_costs")


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


@requires("campaigns")
def left_out(request: HttpRequest) -> HttpResponse:
    """What leaving people out of audiences saved; by which channel an audience is advertised to (POST)."""
    if request.method == "POST":
        audience = get_object_or_404(Audience, pk=asked.whole(request.POST.get("audience")))
        campaign = Campaign.objects.filter(pk=asked.whole(request.POST.get("campaign")) or 0).first()
        channel = Channel.objects.filter(pk=asked.whole(request.POST.get("channel")) or 0).first()
        channel = channel or (campaign.channel if campaign else None)
        if channel is None:
            AudienceChannel.objects.filter(pk=audience.pk).delete()
        else:
            AudienceChannel.objects.update_or_create(
                audience_id=audience.pk, defaults={"channel": channel, "campaign": campaign}
            )
        return redirect("campaign_left_out")
    found = sorted(saved.savings(), key=lambda one: -one.now.left_out)
    costed = set(Cost.objects.filter(campaign__isnull=False).values_list("campaign_id", flat=True))
    shown = {
        "savings": [(one, picture.left_out(one.days) if len(one.days) > 1 else None) for one in found], "page": "left_out",
        "channels": Channel.objects.filter(pk__in=Cost.objects.values("channel")),
        "campaigns": [one for one in named.living() if one.pk in costed],
    }  # fmt: skip
    return render(request, "campaigns/left_out.html", shown)
