"""The part of a text that matches what was typed, marked."""

import re

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.filter
def marked(text: str, typed: str) -> SafeString:
    """`text` with the first place where `typed` (or, in a number, its digits) stands marked."""
    text = str(text or "")
    place = re.search(re.escape(typed), text, re.IGNORECASE) if typed else None
    if place is None and (digits := re.sub(r"\D", "", typed or "").lstrip("0")) and len(digits) >= 4:
        place = re.search(r"\D*".join(digits), text)
    if place is None:
        return conditional_escape(text)
    start, end = place.span()
    return mark_safe(
        conditional_escape(text[:start])
        + format_html("<mark>{}</mark>", text[start:end])
        + conditional_escape(text[end:])
    )
