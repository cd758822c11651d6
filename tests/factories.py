"""The smallest worlds that tests need."""

import factory
from django.contrib.auth.models import Group, User
from factory.django import DjangoModelFactory

from connectors.models import Audience, Destination, Source
from profiles.models import Profile
from segments.models import Segment


class SourceFactory(DjangoModelFactory[Source]):
    class Meta:
        model = Source

    name = factory.Sequence(lambda number: f"Source {number}")
    default_country = "ES"


class ProfileFactory(DjangoModelFactory[Profile]):
    class Meta:
        model = Profile


class SegmentFactory(DjangoModelFactory[Segment]):
    """A segment whose members a test puts in by hand; a draft, so that no stage evaluates it."""

    class Meta:
        model = Segment

    name = factory.Sequence(lambda number: f"Segment {number}")
    status = Segment.Status.DRAFT
    rule: dict[str, object] = factory.LazyFunction(dict)


class DestinationFactory(DjangoModelFactory[Destination]):
    class Meta:
        model = Destination

    name = factory.Sequence(lambda number: f"Destination {number}")
    kind = "webhook"


class AudienceFactory(DjangoModelFactory[Audience]):
    class Meta:
        model = Audience

    name = factory.Sequence(lambda number: f"Audience {number}")
    destination = factory.SubFactory(DestinationFactory)


def account(role: str = "", name: str = "") -> User:
    """Somebody who may sign in, with one role or none."""
    made = User.objects.create_user(name or role.lower().replace(" ", "-") or "nobody")
    if role:
        made.groups.add(Group.objects.get_or_create(name=role)[0])
    return made
