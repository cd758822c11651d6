"""A report's letter: a saved view's main numbers as HTML and text, its table as a file."""

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from campaigns.attribution import asking, board, cohorts, export, numbers, paths, sentences
from campaigns.attribution.asking import Asking
from campaigns.models import Report
from segments.models import Segment

MOST_LINES = 15


@dataclass(frozen=True)
class Letter:
    """What is sent."""

    subject: str
    text: str
    html: str
    table: str
    file_name: str


def written(report: Report) -> Letter:
    """A report's letter with the numbers of now. Raises `asking.NoGoal` where there is no goal any more. Cost: as its page."""
    question = asking.read(QueryDict(report.view.query))
    shown = {
        "name": report.view.name,
        "question": question,
        "unit": question.unit,
        "currency": question.goal.currency,
        "address": f"{report.site}{reverse(report.view.page)}?{report.view.query}",
        "views_address": f"{report.site}{reverse('attribution_views')}",
        "what": _filters(question),
        **_numbers(question, report.view.page),
    }
    return Letter(
        f"{report.view.name}: {shown['short']}",
        render_to_string("attribution/letter.txt", shown),
        render_to_string("attribution/letter.html", shown),
        export.written(export.of_page(question, report.view.page)),
        f"{report.view.page.replace('_', '-')}-{timezone.localdate():%Y-%m-%d}.csv",
    )


def _numbers(question: Asking, page: str) -> dict[str, Any]:
    """The sentence of the page, what the subject says, and the table's first lines."""
    if page == "attribution_paths":
        found = paths.paths(question.filters)
        top = found.top[:MOST_LINES]
        return {
            "told": sentences.way(found, question.unit),
            "short": f"{found.conversions:,} {question.unit}",
            "heads": ["Path", question.goal.name, "Journeys"],
            "rows": [[" → ".join(one.names), f"{one.conversions:,}", f"{one.journeys:,}"] for one in top],
        }
    if page == "attribution_cohorts":
        grown = cohorts.cohorts(question.filters)
        people = sum(one.people for one in grown.channels)
        return {
            "told": sentences.worth(grown),
            "short": f"{people:,} people by first channel",
            "heads": ["First channel", "People", f"Worth so far ({grown.currency})"],
            "rows": [[one.name, f"{one.people:,}", f"{one.value:,.2f}"] for one in grown.channels[:MOST_LINES]],
        }
    campaigns = page == "attribution_campaigns"
    table = (
        numbers.campaign_table(question.filters, question.of) if campaigns else numbers.channel_table(question.filters)
    )
    model = asking.model_of(table.models, question.model)
    laid = board.board(table, model, question.query, {}, question.sort, campaigns=campaigns)
    lines = [
        [line.name, f"{line.there:.0%}", f"{line.orders.at:,.0f}", f"{line.orders.low:,.0f} – {line.orders.high:,.0f}",
         "" if line.row.cost is None else f"{line.row.cost:,.0f}",
         "" if line.on_spend is None else f"{line.on_spend.low:.2f} – {line.on_spend.high:.2f}"]
        for line in laid.lines[:MOST_LINES]
    ]  # fmt: skip
    return {
        "told": sentences.told(table, question.unit), "budget": "" if campaigns else sentences.budget(table),
        "short": f"{table.conversions:,} {question.unit}, {table.value:,.0f} {table.currency}",
        "heads": ["Campaign" if campaigns else "Channel", "In journeys", f"{question.goal.name} by {laid.model_name}",
                  "By all models", f"Cost ({table.currency})", "Sales for each spent, by all models"],
        "rows": lines,
    }  # fmt: skip


def _filters(question: Asking) -> str:
    """'1 Nov to 27 Nov 2026, new customers, segment VIP'."""
    asked = question.filters
    parts = [f"{asked.since:%-d %b} to {asked.until:%-d %b %Y}"]
    if asked.buyers != "all":
        parts.append(f"{asked.buyers} customers")
    if asked.segment:
        parts.append(
            f"segment {Segment.objects.filter(pk=asked.segment).values_list('name', flat=True).first() or '(gone)'}"
        )
    if asked.devices:
        parts.append(" and ".join(sorted(one.name.lower() for one in asked.devices)))
    if asked.views:
        parts.append("with things only seen")
    return ", ".join(parts)
