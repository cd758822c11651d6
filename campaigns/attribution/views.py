"""The dashboards: channels, campaigns, paths, cohorts, and the people behind any number. Views ask, and lay out."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from campaigns.attribution import asking, board, cohorts, figures, load, numbers, paths, pictures, sentences
from campaigns.attribution.asking import Asking, NoGoal
from campaigns.attribution.models import MODELS
from campaigns.attribution.which import Which
from campaigns.experiments.results import uplift_by_campaign, uplift_by_channel
from campaigns.models import Goal
from cdp_site.roles import requires

Dashboard = Callable[[HttpRequest, Asking], HttpResponse]


def dashboard(page: str) -> Callable[[Dashboard], Callable[[HttpRequest], HttpResponse]]:
    """A view that asks about a goal: with the question read, or the page that says how to make the first goal."""

    def decorate(view: Dashboard) -> Callable[[HttpRequest], HttpResponse]:
        @requires("campaigns")
        @wraps(view)
        def answered(request: HttpRequest) -> HttpResponse:
            try:
                question = asking.read(request.GET)
            except NoGoal:
                return render(request, "attribution/no_goal.html", {"page": page, "q": ""})
            return view(request, question)

        return answered

    return decorate


@dashboard("attribution")
def channels(request: HttpRequest, question: Asking) -> HttpResponse:
    """The channels: who was there, by every model, at what cost; what contributes and what just appears."""
    table = numbers.channel_table(question.filters)
    shown = _board(question, table, "attribution", uplift_by_channel(question.goal.pk))
    laid: board.Board = shown["board"]
    standings = pictures.standings(laid, question.unit)
    shown |= {
        "told": sentences.told(table, question.unit),
        "budget": sentences.budget(table),
        "standings": standings,
        "contributes": figures.contributes(standings, question.unit) if standings else None,
    }
    return render(request, "attribution/attribution.html", shown)


@dashboard("attribution_campaigns")
def campaigns(request: HttpRequest, question: Asking) -> HttpResponse:
    """The same by campaign, of one channel or all."""
    table = numbers.campaign_table(question.filters, question.of)
    shown = _board(question, table, "attribution_campaigns", uplift_by_campaign(question.goal.pk), campaigns=True)
    used = {row.channel for row in numbers.campaign_table(question.filters).rows}
    every = [one for one in load.directory().channels if one.id in used or one.id == question.of]
    shown |= {
        "of": question.of,
        "of_all": question.with_(of=""),
        "channels": [(one.id, one.name, one.hue, question.with_(of=str(one.id))) for one in every],
    }
    return render(request, "attribution/campaigns.html", shown)


def _board(
    question: Asking, table: numbers.Table, page: str, measured: Any, *, campaigns: bool = False
) -> dict[str, Any]:
    """What the pages of both tables show."""
    model = asking.model_of(table.models, question.model)
    laid = board.board(table, model, question.query, measured, question.sort, campaigns=campaigns)
    return asking.shown(
        question, page, board=laid, heads=_heads(laid, question, page, campaigns),
        compared=pictures.compared(laid, question.unit) if laid.lines else None, credits=board.credits(laid),
        change=_change(table, board.totals(question.filters.before())), over_time=_over_time(table, question),
        over_time_label=f"{question.goal.name} by {table.bucket}",
        all_address=board.people(question.query, Which(converted=True)),
        new_address=board.people(question.query, Which(converted=True, new=True)),
        journeys_address=board.people(question.query, Which()),
        new_share=table.new / table.conversions if table.conversions else None,
        conversion_share=table.conversions / table.journeys if table.journeys else None,
    )  # fmt: skip


def _change(table: numbers.Table, before: tuple[int, float]) -> dict[str, str]:
    """Against as many days before; nothing is said of what wasn't there."""
    now = {"conversions": (table.conversions, before[0]), "value": (table.value, before[1])}
    return {key: sentences.change(count, then) for key, (count, then) in now.items() if then > 0}


def _over_time(table: numbers.Table, question: Asking) -> dict[str, Any] | None:
    if len(table.line) < 2:
        return None
    return figures.over_time([day.isoformat() for day in table.starts], table.line, question.goal.name, question.unit)


_HEADS = (
    ("name", "{}", "", False),
    ("", "Over time", "", False),
    ("there", "In journeys", "In so much of all journeys, also those that came to nothing", True),
    ("orders", "{goal}", "By the model that is chosen; below them their value", True),
    ("", "By all models", "", False),
    ("cost", "Cost", "Of these days", True),
    ("per_order", "Cost each", "By the model that is chosen; below it the span of all models", True),
    (
        "on_spend",
        "Return",
        "Sales for each unit spent; below it the span of all models. The colour counts the margin",
        True,
    ),
    ("without", "Lost without (Markov)", "Share lost without it, by the Markov model", True),
    ("measured", "Measured", "Share that an experiment says it added, with its 95 % interval", True),
)


def _heads(
    laid: board.Board, question: Asking, page: str, campaigns: bool
) -> list[tuple[str, str, str, bool, str, bool]]:
    """The table's heads: (key, label, hint, numeric, address that sorts by it, sorted by it)."""
    left_out = set()
    if not laid.any_cost:
        left_out |= {"cost", "per_order", "on_spend"}
    if not laid.any_without:
        left_out.add("without")
    if not laid.any_measured:
        left_out.add("measured")
    return [
        (
            key,
            label.format("Campaign" if campaigns else "Channel", goal=question.goal.name),
            hint,
            numeric,
            f"{reverse(page)}?{question.with_(sort=key)}" if key else "",
            key == laid.sort,
        )
        for key, label, hint, numeric in _HEADS
        if key not in left_out
    ]


@dashboard("attribution_paths")
def journeys(request: HttpRequest, question: Asking) -> HttpResponse:
    """The ways people take: step by step, the commonest, how long."""
    found = paths.paths(question.filters)
    shown = asking.shown(
        question, "attribution_paths", paths=found, told=sentences.way(found, question.unit),
        flow=pictures.flow(found, question.query) if found.flow.links else None,
        lengths=pictures.lengths(found, question.query, question.unit),
        delays=pictures.delays(found, question.query, question.unit),
        top=pictures.ways(found, question.query), links=pictures.links(found, question.query),
    )  # fmt: skip
    return render(request, "attribution/paths.html", shown)


@dashboard("attribution_cohorts")
def lifetimes(request: HttpRequest, question: Asking) -> HttpResponse:
    """People by the channel that brought them first, and what they have been worth since."""
    found = cohorts.cohorts(question.filters)
    rows = [
        (
            one,
            board.people(question.query, pictures.cohort(one)),
            f"{reverse('attribution_cohort_months')}?{_first(question, one)}",
        )
        for one in found.channels
    ]
    shown = asking.shown(
        question, "attribution_cohorts", rows=rows, told=sentences.worth(found), **_ages(found),
        curves=pictures.curves(found) if found.channels else None,
    )  # fmt: skip
    return render(request, "attribution/cohorts.html", shown)


@dashboard("attribution_cohorts")
def months(request: HttpRequest, question: Asking) -> HttpResponse:
    """The cohorts of one first channel, by month: what a fold of the page opens."""
    found = cohorts.cohorts(question.filters)
    wanted = request.GET.get("first", "")
    of = [one for one in found.months if f"{-1 if one.id is None else one.id}" == wanted]
    shown = asking.shown(
        question, "attribution_cohorts", head=of[0].name if of else "this channel", **_ages(found),
        months=[(one, board.people(question.query, pictures.cohort(one))) for one in of],
    )  # fmt: skip
    part = request.htmx  # type: ignore[attr-defined]
    return render(request, f"attribution/{'_' if part else ''}cohort_months.html", shown)


def _first(question: Asking, one: cohorts.Cohort) -> str:
    return "&".join(part for part in (question.query, f"first={-1 if one.id is None else one.id}") if part)


def _ages(found: cohorts.Cohorts) -> dict[str, Any]:
    """How many months are known of anybody, and the greatest value, by which cells are filled."""
    known = max((age for one in found.channels for age, value in enumerate(one.values) if value is not None), default=0)
    top = max((value for one in found.channels for value in one.values if value is not None), default=0.0)
    return {"ages": range(known + 1), "known": f":{known + 1}", "top": top}


@requires("campaigns")
def models(request: HttpRequest) -> HttpResponse:
    """What each model does, in a sentence, and where it is from."""
    return render(
        request,
        "attribution/models.html",
        {"models": MODELS, "goals": Goal.objects.filter(enabled=True), "page": "", "q": ""},
    )
