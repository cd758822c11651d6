"""A source's name and hue by its id, for pages of apps that don't know connectors."""

import time

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
_kept: tuple[float, dict[int, tuple[str, int]]] = (0.0, {})


def _sources() -> dict[int, tuple[str, int]]:
    """All sources, at most five seconds old."""
    global _kept
    if _kept[0] < time.monotonic():
        from connectors.models import Source

        found = {id: (name, hue) for id, name, hue in Source.objects.values_list("id", "name", "hue")}
        _kept = (time.monotonic() + 5, found)
    return _kept[1]


@register.simple_tag
def source_of(source_id: int | None) -> SafeString:
    """Its dot and name."""
    name, hue = _sources().get(source_id or 0, ("unknown source", 240))
    return format_html(
        '<span class="source"><span class="dot" style="--hue:{}" aria-hidden="true"></span>{}</span>', hue, name
    )


@register.simple_tag
def source_dot(source_id: int | None) -> SafeString:
    """Its dot, with the name on hover."""
    name, hue = _sources().get(source_id or 0, ("unknown source", 240))
    return format_html(
        '<span class="dot" style="--hue:{}" title="{}" role="img" aria-label="{}"></span>', hue, name, name
    )
