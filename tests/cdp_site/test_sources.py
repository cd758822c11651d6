"""A source's name on the pages of apps that don't know connectors."""

import pytest
from django.template import Context, Template

from tests.factories import SourceFactory

pytestmark = pytest.mark.django_db


def said(source_id: int | None) -> str:
    return Template("{% load sources %}{% source_of id %}").render(Context({"id": source_id}))


def test_a_source_made_a_moment_ago_has_its_name() -> None:
    assert "The shop" in said(SourceFactory(name="The shop").pk)
    assert "The till" in said(SourceFactory(name="The till").pk)  # the names were read just before


def test_a_source_that_is_not_there_is_unknown() -> None:
    assert "unknown source" in said(None)
    assert "unknown source" in said(SourceFactory().pk + 1)
