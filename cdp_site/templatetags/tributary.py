"""What templates say in the product's way: human times, short numbers, money, sources' hues, small pictures."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from profiles import normalise

register = template.Library()
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}


@register.filter
def ago(moment: datetime | None) -> str | SafeString:
    """'3 h ago', with the exact time on hover."""
    if moment is None:
        return "never"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact(moment), _since(moment, timezone.now())
    )


def _since(moment: datetime, now: datetime) -> str:
    distance = _distance((now - moment).total_seconds())
    # Days are the calendar's, as everywhere else on the page.
    days = (timezone.localdate(now) - timezone.localdate(moment)).days
    return f"{days} d ago" if distance.endswith(" d ago") else distance


def _distance(seconds: float) -> str:
    if seconds < -60:
        return f"in {_span(-seconds)}"
    if seconds < 5:
        return "just now"
    return f"{_span(seconds)} ago"


def _span(seconds: float) -> str:
    for size, unit in ((31_557_600, "y"), (2_629_800, "mo"), (86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size * (2 if unit == "mo" else 1):
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


@register.filter
def exact(moment: datetime | None) -> str:
    """'Tue 3 Mar 2026, 14:05:09', in the company's time zone."""
    return formats.date_format(timezone.localtime(moment), "D j M Y, H:i:s") if moment else ""


@register.filter
def span(seconds: float) -> str:
    """A duration in its largest unit: '34 d'."""
    return _span(float(seconds))


@register.filter
def short(number: float | Decimal | None) -> str | SafeString:
    """12.4k, with the full number on hover."""
    if number is None:
        return "–"
    size = abs(float(number))
    if size < 10_000:
        return f"{number:,.0f}"
    for limit, unit in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if size >= limit:
            scaled = float(number) / limit
            text = f"{scaled:.1f}{unit}" if abs(scaled) < 100 else f"{scaled:.0f}{unit}"
            return format_html('<span title="{}">{}</span>', f"{number:,.0f}", text)
    return str(number)


@register.filter
def full(number: float | Decimal | None) -> str:
    """1,204"""
    return "–" if number is None else f"{number:,.0f}"


@register.simple_tag
def money(value: float | Decimal | None, currency: str = "") -> str:
    """1,240 €; two decimals below 100."""
    if value is None:
        return "–"
    currency = currency or settings.CURRENCY
    text = f"{value:,.2f}" if -100 < value < 100 and value != int(value) else f"{value:,.0f}"
    return f"{text} {SYMBOLS.get(currency, currency)}"


@register.filter
def percent(share: float | None) -> str:
    """0.123 as 12.3 %; none as a dash."""
    if share is None:
        return "–"
    return f"{share * 100:.0f} %" if share >= 0.1 or share == 0 else f"{share * 100:.1f} %"


@register.filter
def chance(probability: float | None) -> str:
    """0.97 as 97 %; what is nearly certain isn't: 'over 99.9 %'."""
    if probability is None:
        return "–"
    if probability >= 0.9995:
        return "over 99.9 %"
    text = f"{probability * 100:.{1 if probability >= 0.99 else 0}f}"
    return f"{text.removesuffix('.0')} %"


@register.simple_tag
def dot(hue: int | None) -> SafeString:
    """A source's dot, in its hue."""
    return format_html('<span class="dot" style="--hue:{}" aria-hidden="true"></span>', 240 if hue is None else hue)


@register.simple_tag
def source(found: Any) -> SafeString:
    """A source's dot and name."""
    return format_html(
        '<span class="source">{}{}</span>', dot(getattr(found, "hue", None)), getattr(found, "name", found)
    )


@register.simple_tag
def spark(values: Sequence[float], label: str = "", inline: bool = False) -> SafeString:
    """A line with its area, as small as a word; `label` is what it says, for those who can't see it."""
    numbers = [float(value) for value in values]
    name = "spark inline" if inline else "spark"
    if len(numbers) < 2:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}" viewBox="0 0 100 30"></svg>', name, label or "no history yet"
        )
    top = max(numbers) or 1
    step = 100 / (len(numbers) - 1)
    points = " ".join(f"{index * step:.2f},{29 - 27 * value / top:.2f}" for index, value in enumerate(numbers))
    return format_html(
        '<svg class="{}" role="img" aria-label="{}" viewBox="0 0 100 30" preserveAspectRatio="none">'
        '<polygon class="fill" points="0,30 {} 100,30"></polygon><polyline class="stroke" points="{}"></polyline></svg>',
        name, label, points, points,
    )  # fmt: skip


@register.simple_tag
def bars(values: Sequence[float], labels: Sequence[str] = (), label: str = "") -> SafeString:
    """Bars side by side, each with its own words on hover."""
    numbers = [max(float(value), 0.0) for value in values]
    top = max(numbers, default=0) or 1
    width = 100 / max(len(numbers), 1)
    words = list(labels) + [""] * (len(numbers) - len(labels))
    drawn = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}" rx="0.6"><title>{}</title></rect>',
        (
            (f"{index * width + width * 0.12:.2f}", f"{30 - max(28 * value / top, 0.6):.2f}", f"{width * 0.76:.2f}",
             f"{max(28 * value / top, 0.6):.2f}", word)
            for index, (value, word) in enumerate(zip(numbers, words, strict=True))
        ),
    )  # fmt: skip
    return format_html(
        '<svg class="spark" role="img" aria-label="{}" viewBox="0 0 100 30" preserveAspectRatio="none">{}</svg>',
        label,
        drawn,
    )


@register.simple_tag
def chart(figure: dict[str, Any], label: str) -> SafeString:
    """A Plotly figure (`cdp_site.charts`), drawn by static/charts.js; `label` says what it shows."""
    text = json.dumps(figure, default=str).replace("<", "\\u003c")
    return format_html(
        '<div class="chart" data-chart role="img" aria-label="{}"><script type="application/json">{}</script></div>',
        label, mark_safe(text),
    )  # fmt: skip


@register.filter
def get(mapping: dict[Any, Any], key: Any) -> Any:
    return mapping.get(key)


@register.filter
def words(name: str) -> str:
    """loyalty_card as 'loyalty card'."""
    return str(name).replace("_", " ")


@register.filter
def said(value: Any) -> str:
    """A trait's or property's value for people: yes and no, lists by commas, the rest as it is."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(said(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{words(name)}: {said(one)}" for name, one in value.items())
    return "–" if value is None else straight(value)


_TURNS = str.maketrans("", "", normalise.TURNS)


@register.filter
def straight(text: Any) -> str:
    """A name or value that somebody sent, without the characters that would turn the text around it."""
    return str(text).translate(_TURNS)
