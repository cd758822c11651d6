"""The builder's controls: words within a sentence, each named by its node and what it holds."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from segments.suggest import Names, Suggestions

register = template.Library()


@register.filter
def child(path: str, number: int) -> str:
    """r and 0: r.0"""
    return f"{path}.{number}"


@register.filter
def at(before: str, place: int) -> str:
    """The third of a list's controls: 'r.0:events.where' and 2 is 'r.0:events.where2.'"""
    return f"{before}{place}."


@register.filter
def place(name: str, number: int) -> str:
    """steps and 1: steps1"""
    return f"{name}{number}"


@register.filter
def condition_template(kind: str) -> str:
    return f"segments/conditions/_{kind}.html"


@register.filter
def units_for(units: Mapping[str, str], unit: str) -> dict[str, str]:
    """Seconds are offered only where they stand already."""
    return {name: text for name, text in units.items() if name != "seconds" or unit == name}


@register.simple_tag
def pick(name: str, options: Mapping[str, str], value: str, label: str) -> SafeString:
    """A word that is one of several. What isn't among them stands there as it is."""
    known = options if value in options else {value: value or "…", **options}
    listed = format_html_join(
        "", '<option value="{}"{}>{}</option>',
        ((one, SafeString(" selected") if one == value else "", text) for one, text in known.items()),
    )  # fmt: skip
    return format_html('<select class="word" name="{}" id="{}" aria-label="{}">{}</select>', name, name, label, listed)


@register.simple_tag
def word(
    name: str, value: str, label: str, list: str = "", hint: str = "", kind: str = "text", optional: bool = False
) -> SafeString:
    """A word that is typed. `kind` number is short; date has a calendar, unless a time of day is in it.

    `optional`: nothing is missing where it is empty.
    """
    if kind == "date" and value and not (len(value) == 10 and value[4:5] == "-"):
        kind = "text"
    more = format_html(' list="{}"', list) if list else SafeString("")
    if kind == "number":
        more = format_html('{} inputmode="decimal"', more)
    if optional:
        more = format_html("{} data-optional", more)
    return format_html(
        '<input class="word{}" type="{}" name="{}" id="{}" value="{}" placeholder="{}" aria-label="{}"{}>',
        " short" if kind == "number" else "", "date" if kind == "date" else "text",
        name, name, value, hint or ("" if kind in ("number", "date") else "…"), label, more,
    )  # fmt: skip


@register.simple_tag
def hidden(name: str, value: Any) -> SafeString:
    return format_html('<input type="hidden" name="{}" value="{}">', name, value)


@register.simple_tag
def names_of(suggestions: Suggestions, name: str, of: str) -> Names | None:
    """The properties of an event, or the fields of a kind of records."""
    return (suggestions.fields if of == "records" else suggestions.properties).get(name)


@register.simple_tag
def values_of(names: Names | None, name: str) -> str:
    return names.values(name) if names else ""


@register.filter
def plural(number: str, word: str) -> str:
    """'time' or 'times', as the number is."""
    return word if number == "1" else f"{word}s"
