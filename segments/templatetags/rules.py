"""Paths of a draft's nodes, for the builder's templates."""

from django import template

register = template.Library()


@register.filter
def child(path: str, number: int) -> str:
    """r and 0: r.0"""
    return f"{path}.{number}"
