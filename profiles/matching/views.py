"""Pages of the review queue: one pair at a time, its evidence side by side, an answer by button or key."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from cdp_site import charts
from cdp_site.models import Progress
from cdp_site.roles import requires
from profiles.matching import decide, job, review
from profiles.models import MatchSettings, Suggestion

_SAID = {
    "join": "Joined: they are one person now.",
    "apart": "Kept apart: they won’t be suggested again.",
    "later": "Put off to the end.",
}


@requires("identity")
def matches(request: HttpRequest) -> HttpResponse:
    """The queue, with its first pair open."""
    return _page(request, None)


@requires("identity")
def match(request: HttpRequest, one: int, other: int) -> HttpResponse:
    """The queue, with a chosen pair open."""
    chosen = review.pair(one, other)
    if chosen is None:
        messages.info(request, "These two don’t wait for an answer any more.")
        return redirect("matches")
    return _page(request, chosen)


@require_POST
@requires("identity")
def decided(request: HttpRequest, one: int, other: int) -> HttpResponse:
    """An answer about a pair: join, apart, later; or back, which takes one back."""
    act = request.POST.get("act", "")
    suggestion = Suggestion.objects.filter(profile_id=one, other_id=other).first()
    if suggestion is None or act not in (*_SAID, "back"):
        raise Http404
    waits = review.pair(one, other) is not None
    by = request.user.get_username()
    try:
        if act == "back":
            decide.take_back(suggestion, by)
            messages.success(request, "Taken back: they wait for an answer again.")
            return redirect("matches")
        if not waits:
            messages.info(request, "These two don’t wait for an answer any more.")
        elif act == "join":
            decide.join(suggestion, by)
        elif act == "apart":
            decide.keep_apart(suggestion, by)
        else:
            decide.put_off(suggestion)
        if waits:
            messages.success(request, _SAID[act])
    except decide.Refused as refused:
        messages.error(request, str(refused))
    return redirect("matches")


@require_POST
@requires("admin")
def run(request: HttpRequest) -> HttpResponse:
    """Have people compared, in the background."""
    job.ask(request.user.get_username())
    return redirect("matches")


@requires("identity")
def progress(request: HttpRequest) -> HttpResponse:
    """How far the comparing is; when it has ended, the page is loaded anew."""
    last = review.last_run()
    if last is not None and last.running:
        return render(request, "profiles/_match_progress.html", {"run": last, "progress": _progress()})
    answer = HttpResponse(status=204)
    answer["HX-Refresh"] = "true"
    return answer


def _progress() -> Progress | None:
    return Progress.objects.filter(name=job.NAME).first()


def _page(request: HttpRequest, chosen: review.Pair | None) -> HttpResponse:
    pairs = review.first_pairs()
    chosen = chosen or next(iter(pairs), None)
    last, success, now = review.last_run(), review.last_success(), MatchSettings.now()
    shown: dict[str, object] = {
        "pairs": pairs, "pair": chosen, "waiting": review.number_waiting(), "run": last, "success": success,
        "settings": now, "progress": _progress(), "decided": review.decided(),
        "asks": review.precision_at(success, now.asks_above), "joins": review.precision_at(success, now.joins_above),
    }  # fmt: skip
    if chosen:
        places = [one.address for one in pairs]
        at = places.index(chosen.address) if chosen.address in places else 0
        shown |= {
            "warnings": review.both_have(chosen.suggestion.profile_id, chosen.suggestion.other_id),
            "before": places[at - 1] if at else "",
            "after": places[at + 1] if at + 1 < len(places) else "",
        }
    if success and success.outcome.get("curve"):
        curve = success.outcome["curve"]
        shown |= {"curve": curve, "chart": charts.precision(curve, now.asks_above, now.joins_above)}
    return render(request, "profiles/_matches.html" if request.htmx else "profiles/matches.html", shown)  # type: ignore[attr-defined]
