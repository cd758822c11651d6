"""A real browser on a live server. The stages are drained by the tests themselves: nothing sleeps, nothing races."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

# Plotly makes a style element for its cursors; our policy refuses it, and static/components.css has what is needed of it.
EXPECTED = re.compile(r"Applying inline style violates the following Content Security Policy")
PASSWORD = "a password of the journeys"
expect.set_options(timeout=20_000)  # a machine may do other things too


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., Page]]:
    """Opens a page of its own on the live server; a script error anywhere fails the test."""
    said: list[str] = []
    pages: list[Page] = []

    def opened(width: int = 1440, height: int = 900, scheme: str = "light", javascript: bool = True) -> Page:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=javascript,
            reduced_motion="reduce",  # a colour halfway to another is nobody's to read
            permissions=["clipboard-read", "clipboard-write"],
        )
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text) if _is_bad(message.type, message.text) else None)
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.context.close()
    _wait_for_the_server()
    assert said == []


_BUSY = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
AND backend_type = 'client backend' AND state <> 'idle'
"""


def _wait_for_the_server() -> None:
    """What a page asked for as it was closed goes on for a moment; the tables are emptied next, and that may deadlock."""
    from cdp_site import sql

    until = time.monotonic() + 30
    while sql.rows(_BUSY)[0][0] and time.monotonic() < until:
        time.sleep(0.02)


def _is_bad(kind: str, text: str) -> bool:
    # Refused and missing pages are part of some journeys; their tests look at the status.
    return (
        kind == "error" and not EXPECTED.search(text) and "Failed to load resource" not in text and "htmx:" not in text
    )


@pytest.fixture
def accounts(transactional_db: None) -> None:
    """One person a role: agent, marketer, admin."""
    from django.contrib.auth.models import Group, User

    from cdp_site.roles import ADMIN, AGENT, MARKETER

    for name, role in (("agent", AGENT), ("marketer", MARKETER), ("admin", ADMIN)):
        admin = role == ADMIN
        person = User.objects.create_user(name, password=PASSWORD, is_staff=admin, is_superuser=admin)
        person.groups.add(Group.objects.get_or_create(name=role)[0])


@pytest.fixture
def sign_in(open_page: Callable[..., Page], accounts: None) -> Callable[..., Page]:
    """Signs somebody in by the form, and gives the page."""

    def signed_in(name: str, **given: object) -> Page:
        page = open_page(**given)
        page.goto("/sign-in/")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
        return page

    return signed_in


def check_accessible(page: Page, where: str = "") -> None:
    """No serious or critical fault by axe."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page)
    faults = [
        f"{one['id']} ({one['impact']}): {[node['target'] for node in one['nodes']][:4]}"
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert not faults, f"{where or page.url}: {faults}"


def screenshot(page: Page, name: str) -> None:
    """Keep a picture in var/, for people who look."""
    from django.conf import settings

    folder = Path(settings.VAR_DIR) / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(folder / f"{name}.png"), full_page=True)
