"""A source's name and hue by its id, for pages of apps that don't know connectors."""

import time

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
UNKNOWN = ("unknown source", 240)
_kept: tuple[float, dict[int, tuple[str, int]]] = (0.0, {})


def _source(source_id: int | None) -> tuple[str, int]:
    """Its name and hue, at most five seconds old; one that was not there when they were read is looked up at once."""
    global _kept
    if _kept[0] < time.monotonic():
        _kept = (time.monotonic() + 5, _read())
    found = _kept[1]  # another thread may read anew meanwhile
    if source_id is None:
        return UNKNOWN
    if source_id not in found:
        found[source_id] = _read(id=source_id).get(source_id, UNKNOWN)
    return found[source_id]


def _read(**only: int) -> dict[int, tuple[str, int]]:
    from connectors.models import Source

    return {id: (name, hue) for id, name, hue in Source.objects.filter(**only).values_list("id", "name", "hue")}


@register.simple_tag
def source_of(source_id: int | None) -> SafeString:
    """Its dot and name."""
    name, hue = _source(source_id)
    return format_html(
        '<span class="source"><span class="dot" style="--hue:{}" aria-hidden="true"></span>{}</span>', hue, name
    )


@register.simple_tag
def source_dot(source_id: int | None) -> SafeString:
    """Its dot, with the name on hover."""
    name, hue = _source(source_id)
    return format_html(
        '<span class="dot" style="--hue:{}" title="{}" role="img" aria-label="{}"></span>', hue, name, name
    )
