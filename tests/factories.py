"""The smallest worlds that tests need."""

import factory
from factory.django import DjangoModelFactory

from connectors.models import Source


class SourceFactory(DjangoModelFactory[Source]):
    class Meta:
        model = Source

    name = factory.Sequence(lambda number: f"Source {number}")
    default_country = "ES"
