"""An admin adds a source, copies its key, sends a message, and sees it arrive."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from cdp_site import stages
from connectors import authenticate
from connectors.models import Source
from profiles.models import Rejected
from tests.journeys.conftest import check_accessible
from tests.journeys.world import small_company

pytestmark = pytest.mark.django_db(transaction=True)


def test_from_a_new_source_to_its_first_message(sign_in: Callable[..., Page], live_server: LiveServer) -> None:
    authenticate.forget()
    page = sign_in("admin")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Connectors").click()
    check_accessible(page, "connectors, empty")
    page.get_by_role("link", name="Add a source").click()
    page.get_by_label("Name").fill("Website")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto("/connectors/")
    page.get_by_role("link", name="Website").click()
    page.get_by_role("button", name="Copy the write key").click()
    key = page.evaluate("navigator.clipboard.readText()")
    assert key == Source.objects.get().write_key
    check_accessible(page, "a source")

    message = {"userId": "42", "event": "Order Completed", "properties": {"total": 84, "currency": "EUR"}}
    answer = httpx.post(f"{live_server.url}/v1/track", json=message, auth=(key, ""))
    assert answer.json() == {"success": True}
    stages.drain_all()
    expect(page.locator("#newest")).to_contain_text("Order Completed", timeout=8_000)
    page.goto("/connectors/stream/")
    page.get_by_role("link", name="Order Completed").click()
    expect(page.locator("#message")).to_contain_text("User id")
    expect(page.locator("#message")).to_contain_text("84")
    check_accessible(page, "the live stream")

    httpx.post(f"{live_server.url}/v1/track", json={"event": "Again", "userId": "42"}, auth=(key, ""))
    stages.drain_all()
    expect(page.get_by_role("link", name="Again")).to_be_visible(timeout=8_000)


def test_a_refused_message_waits_with_its_reason_and_can_be_sent_through_again(
    sign_in: Callable[..., Page], live_server: LiveServer
) -> None:
    shop = small_company()["shop"]
    refused = httpx.post(f"{live_server.url}/v1/track", json={"userId": "42"}, auth=(shop.write_key, ""))
    assert refused.status_code == 400
    page = sign_in("admin")
    page.goto("/connectors/rejected/")
    expect(page.locator("main")).to_contain_text("is missing: a track message needs the name of what happened")
    check_accessible(page, "rejected")
    page.get_by_label("Choose this message").check()
    page.get_by_role("button", name="Send the chosen ones through again").click()
    expect(page.get_by_role("status")).to_contain_text("1 message sent through again")
    stages.drain_all()
    page.reload()
    expect(page.locator("main")).to_contain_text("when resolved")
    assert Rejected.objects.filter(replayed_at=None).count() == 1


def test_a_marketer_sees_how_sources_are_and_no_key(sign_in: Callable[..., Page]) -> None:
    shop = small_company()["shop"]
    page = sign_in("marketer")
    page.goto(f"/connectors/sources/{shop.pk}/")
    expect(page.locator("main")).to_contain_text("Admins see it")
    assert shop.write_key not in page.content()
    answer = page.goto("/admin/connectors/source/")
    assert answer is not None
    assert re.search(r"/admin/login/|/sign-in/", page.url)
