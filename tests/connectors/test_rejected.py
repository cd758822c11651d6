"""The page of rejected messages: what is chosen goes through again, and nothing without a choice."""

import pytest
from django.test import Client

from cdp_site.roles import ADMIN
from profiles.models import Rejected
from tests.factories import SourceFactory, account
from tests.stream import resolve_all, send

pytestmark = pytest.mark.django_db


def test_sending_through_again_with_nothing_chosen_asks_to_choose() -> None:
    send(SourceFactory(), {"type": "track", "event": "Seen", "messageId": "m1"})
    resolve_all()
    one = Rejected.objects.get()
    admin = Client()
    admin.force_login(account(ADMIN), backend="django.contrib.auth.backends.ModelBackend")
    again = "/connectors/rejected/replay/"
    for chosen in ({}, {"id": "no number"}):
        page = admin.post(again, chosen, follow=True).content.decode()
        assert "None was chosen" in page and "0 messages" not in page
    assert Rejected.objects.get(pk=one.pk).replayed_at is None
    page = admin.post(again, {"id": str(one.pk)}, follow=True).content.decode()
    assert "1 message sent through again" in page
