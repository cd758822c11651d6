"""What all tests share: the database (DATABASE_URL, else an embedded one of the tests' own) and plain static files."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import django
import environ
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from cdp_site import database
from cdp_site.installed import Problem
from cdp_site.postgres import BASE_DIR, Server
from tests.browser import executable

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# A busy machine is no fault of a test's: what is slow is measured by `make bench`.
# Where CI is set the examples are the same each time: what is new is looked for at the desk, and kept as a test.
hypothesis_settings.register_profile(
    "house",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
hypothesis_settings.load_profile("house")
environ.Env.read_env(BASE_DIR / ".env")
VAR = Path(os.environ.setdefault("VAR_DIR", str(BASE_DIR / "var" / "test")))
os.environ.setdefault("DEBUG", "1")  # only lets settings keep a secret key of their own: pytest-django turns it off
os.environ.setdefault("LOG_LEVEL", "WARNING")
# Playwright runs its loop in the tests' thread, and Django takes that for an asynchronous caller.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
# Servers of the tests' own are on this machine, whatever proxy leads out of it.
_away = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, [_away, "127.0.0.1", "localhost"]))
(VAR / "static").mkdir(parents=True, exist_ok=True)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Runs before Django is set up, in each xdist worker too (they share the server)."""
    try:
        if url := os.environ.get("DATABASE_URL"):
            database.check(url)
        else:
            server = Server(VAR / "postgres", durable=False)
            os.environ["DATABASE_URL"] = server.use()
            config.add_cleanup(server.release)
    except Problem as problem:
        raise pytest.UsageError(str(problem)) from None
    # Only now: named in pyproject.toml, pytest-django would read the settings before there is a database to name.
    os.environ["DJANGO_SETTINGS_MODULE"] = "cdp_site.settings"
    django.setup()


@pytest.fixture(scope="session", autouse=True)
def plain_static_files() -> Iterator[None]:
    """Pages refer to static files by their plain names; `collectstatic` and its manifest are tested on their own."""
    from django.test import override_settings

    storages = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    with override_settings(STORAGES=storages):
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """One Chromium for all tests of a process; without one they are skipped, and `make test` has said so loudly."""
    from playwright.sync_api import sync_playwright

    path = executable()
    if path is None:
        pytest.skip("NO BROWSER: the journeys and the accessibility checks do not run")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(path), args=["--no-sandbox"])
        yield running
        running.close()
