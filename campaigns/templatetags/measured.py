"""How pages of experiments write what was measured: points, intervals, differences with their sign, odds."""

from django import template

from campaigns.experiments import telling
from campaigns.experiments.statistics import Interval
from cdp_site.templatetags.tributary import money

register = template.Library()
register.filter("points", telling.points)
register.filter("rate", telling.rate)


@register.filter
def plain_points(difference: float) -> str:
    """0.0084 as '0.84 points'."""
    return telling.points(difference).lstrip("+")


@register.filter
def from_to(interval: Interval) -> str:
    """'+7.00 to +8.32', in points."""
    return f"{100 * interval.low:+.2f} to {100 * interval.high:+.2f}".replace("-", "−")


@register.filter
def signed_percent(share: float) -> str:
    """0.72 as '+72 %'."""
    return f"{100 * share:+.{0 if abs(share) >= 0.1 else 1}f} %".replace("-", "−")


@register.filter
def signed_money(value: float, currency: str) -> str:
    """A difference of values: '+0.77 €'."""
    return f"{'+' if value >= 0 else '−'}{money(abs(round(value, 2)), currency)}"


@register.filter
def money_from_to(interval: Interval) -> str:
    """'+0.48 to +1.05', in the outcome's currency."""
    return f"{interval.low:+,.2f} to {interval.high:+,.2f}".replace("-", "−")


@register.filter
def whole(number: float) -> str:
    """A number of people: '1,632', '−12'."""
    return f"{number:,.0f}".replace("-", "−")


@register.filter
def lost(number: float) -> str:
    """A number of people below 0 as how many were lost: −12.3 as '12'."""
    return whole(-number)


@register.filter
def share_of(part: int, whole: int) -> str:
    """'33.3 %'"""
    return f"{100 * part / whole:.1f} %" if whole else "–"


@register.filter
def odds(p: float) -> str:
    """A chance in words: 'in 42 of 100 cases', 'in less than one of a million cases'."""
    if p >= 0.01:
        return f"in {100 * p:.0f} of 100 cases"
    if p >= 1e-6:
        return f"in one of {round(1 / p, -len(str(int(1 / p))) + 2):,.0f} cases"
    return "in less than one of a million cases"
