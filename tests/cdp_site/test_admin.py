"""The admin configures connectors; it is no way to run programs."""

import pytest
from django.contrib import admin
from django.test import Client

from connectors.models import Source
from tests.factories import SourceFactory

pytestmark = pytest.mark.django_db


def test_no_function_can_be_scheduled(admin_client: Client) -> None:
    assert not [model for model in admin.site._registry if model._meta.app_label == "django_q"]
    for model in ("schedule", "ormq", "success", "failure"):
        assert admin_client.get(f"/admin/django_q/{model}/").status_code == 404
        assert admin_client.get(f"/admin/django_q/{model}/add/").status_code == 404


@pytest.mark.parametrize("wrong", ["Z", "12", "ZZ", "E "])
def test_a_country_that_no_phone_number_has_is_refused(admin_client: Client, wrong: str) -> None:
    source = SourceFactory(default_country="ES")
    form = {"name": source.name, "category": "web", "hue": 200, "enabled": "on", "rate_limit": 0}
    answer = admin_client.post(f"/admin/connectors/source/{source.pk}/change/", {**form, "default_country": wrong})
    assert "is no country&#x27;s two-letter code" in answer.content.decode()
    assert Source.objects.get().default_country == "ES"


def test_a_country_in_small_letters_is_that_country(admin_client: Client) -> None:
    source = SourceFactory(default_country="ES")
    form = {"name": source.name, "category": "web", "hue": 200, "enabled": "on", "rate_limit": 0}
    answer = admin_client.post(f"/admin/connectors/source/{source.pk}/change/", {**form, "default_country": "de"})
    assert answer.status_code == 302
    assert Source.objects.get().default_country == "DE"


def test_pages_with_people_on_them_are_kept_in_no_cache(admin_client: Client) -> None:
    for path in ("/", "/people/", "/admin/"):
        assert "no-store" in admin_client.get(path)["Cache-Control"]
