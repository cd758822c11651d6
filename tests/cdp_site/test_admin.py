"""The admin configures connectors; it is no way to run programs."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connectors.models import ANY_HUE, Source, free_hue
from profiles import inbox
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


def test_a_page_of_rejected_messages_takes_as_many_queries_as_one_of_them(admin_client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            page = admin_client.get("/admin/profiles/rejected/").content.decode()
        assert "Till of Goya" in page
        return len(seen)

    source = SourceFactory(name="Till of Goya")
    inbox.reject(source.pk, [inbox.Rejection(0, "userId", "is missing", b"{}")], stage="receive")
    queries()  # what is looked up once in a process
    one = queries()
    inbox.reject(source.pk, [inbox.Rejection(0, "userId", "is missing", b"{}")] * 20, stage="receive")
    assert queries() == one


def test_each_new_source_has_a_colour_of_its_own(admin_client: Client) -> None:
    for number in range(4):
        form = {"name": f"Source {number}", "category": "web", "hue": ANY_HUE, "enabled": "on", "rate_limit": 0}
        assert admin_client.post("/admin/connectors/source/add/", {**form, "default_country": "ES"}).status_code == 302
    hues = sorted(Source.objects.values_list("hue", flat=True))
    assert hues == [20, 110, 200, 290]
    chosen = Source.objects.create(name="Chosen", hue=21)
    assert chosen.hue == 21 and free_hue([10, 350]) == 180
