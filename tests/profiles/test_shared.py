"""What is seen with too many people is nobody's, also where nobody ever logs in."""

import pytest

from profiles.doctor import events_are_at_home, identifiers_reach_people
from profiles.identifiers import ANONYMOUS, DEVICE
from profiles.models import Identifier, IdentifierKind, Profile
from tests.factories import SourceFactory
from tests.stream import resolve_all, send

pytestmark = pytest.mark.django_db


def test_a_kiosk_whose_visitors_never_log_in_is_many_visitors() -> None:
    IdentifierKind.objects.filter(id=ANONYMOUS).update(limit_per_profile=10)
    source = SourceFactory()
    for number in range(12):
        send(
            source,
            {
                "type": "page",
                "messageId": f"m{number}",
                "anonymousId": f"a{number}",
                "context": {"device": {"id": "kiosk"}},
            },
        )
        resolve_all()
        assert Profile.objects.count() == (1 if number < 10 else number + 1)
    assert Identifier.objects.get(kind_id=DEVICE).shared
    assert [*events_are_at_home(), *identifiers_reach_people()] == []
