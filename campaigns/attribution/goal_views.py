"""Goals: the list with how far each is, making and changing one, letting one rest, removing it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from campaigns.attribution import goals
from campaigns.attribution.goal_form import GoalForm, new_goal
from campaigns.models import Goal
from cdp_site import sql
from cdp_site.roles import requires
from segments import catalog

_LATELY = """
SELECT goal_id, count(*), sum(value)::float8 / 1000000 FROM journey
WHERE converted AND day > current_date - 30 GROUP BY goal_id
"""


@dataclass(frozen=True)
class Row:
    """A goal in the list, with its conversions and their value (in its currency) of the last 30 days."""

    goal: Goal
    conversions: int
    value: float


@requires("campaigns")
def listed(request: HttpRequest) -> HttpResponse:
    """All goals. Cost: one pass over the journeys of 30 days."""
    lately = {goal: (number, value) for goal, number, value in sql.rows(_LATELY)}
    rows = [Row(goal, *lately.get(goal.id, (0, 0.0))) for goal in Goal.objects.all()]
    working = any(row.goal.enabled and row.goal.cursor is not None for row in rows)
    return render(request, "attribution/goals.html", {"rows": rows, "working": working})


@requires("campaigns")
def edit(request: HttpRequest, id: int | None = None) -> HttpResponse:
    """A new goal's form, or one's that is there."""
    goal = get_object_or_404(Goal, id=id) if id else new_goal()
    form = GoalForm(request.POST or None, goal=goal)
    if request.method == "POST" and form.is_valid():
        goals.save(form.written())
        messages.success(request, _kept(goal), extra_tags="good")
        return redirect("attribution_goals")
    shown: dict[str, Any] = {"form": form, "goal": goal if id else None, "events": _events(), "properties": []}
    if goal.event:
        shown["properties"] = [one.name for one in catalog.properties(goal.event)]
    return render(request, "attribution/goal.html", shown)


def _kept(goal: Goal) -> str:
    if not goal.enabled or goal.cursor is None:
        return f"“{goal.name}” is saved."
    return f"“{goal.name}” is saved. Its journeys are being worked out from everything that has arrived."


def _events() -> list[str]:
    return [one.name for one in catalog.events() if one.type == "track"]


@requires("campaigns")
@require_POST
def rest(request: HttpRequest, id: int) -> HttpResponse:
    """Stop keeping a goal's journeys, or begin again."""
    goal = get_object_or_404(Goal, id=id)
    goal.enabled = not goal.enabled
    goals.save(goal)
    return redirect("attribution_goals")


@requires("campaigns")
@require_POST
def remove(request: HttpRequest, id: int) -> HttpResponse:
    goal = get_object_or_404(Goal, id=id)
    goals.remove(goal)
    messages.success(request, f"“{goal.name}” is removed, with its journeys.", extra_tags="good")
    return redirect("attribution_goals")
