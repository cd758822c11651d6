"""What attribution's templates draw and say beside `tributary`'s: the span between models, a channel's dot, a journey's steps."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def spread(low: float, high: float, at: float, top: float, label: str, hue: int = 200) -> SafeString:
    """From the least to the most that a model gives, with the chosen model's mark on it; `top` is the whole width."""
    left, right, mark = (min(max(98 * value / (top or 1), 0), 98) for value in (low, high, at))
    return format_html(
        '<svg class="spread" role="img" aria-label="{}" viewBox="0 0 100 14" preserveAspectRatio="none" style="--hue:{}">'
        "<title>{}</title>"
        '<line class="ground" x1="0" y1="7" x2="100" y2="7"></line>'
        '<rect class="span" x="{}" y="4" width="{}" height="6" rx="1"></rect>'
        '<rect class="mark" x="{}" y="1" width="1.6" height="12"></rect></svg>',
        label, hue, label, f"{left:.2f}", f"{max(right - left, 0.8):.2f}", f"{mark:.2f}",
    )  # fmt: skip


@register.filter
def heat(value: float | None, top: float) -> int:
    """How strongly a cell of a heat table is filled, 0 to 10."""
    return 0 if not value or not top else max(1, min(10, round(10 * value / top)))


@register.filter
def share(part: float, whole: float) -> float | None:
    """A part of a whole, 0 to 1; None of nothing."""
    return part / whole if whole else None
