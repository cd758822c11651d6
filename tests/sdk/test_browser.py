"""Segment's browser SDK on a page of another origin, told nothing but another host."""

import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Sum
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from cdp_site import stages
from connectors import authenticate
from connectors.models import Source
from profiles.models import Event, Inbox, Rejected
from tests.factories import SourceFactory
from tests.installation import until
from tests.sdk.test_servers import names_of
from tests.stream import person

pytestmark = pytest.mark.django_db(transaction=True)
PACKAGE = "@segment/analytics-next@1.84.3"
PAGE = """<!doctype html><title>Shop</title><h1>Shop</h1>
<script src="/sdk/dist/umd/index.js"></script>
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site of its own, with the SDK as npm has it: fetched once and kept in var/, never committed."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "index.html").write_text(PAGE)
    shutil.copytree(_sdk(), folder / "sdk")
    serve = partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def _sdk() -> Path:
    kept = Path(settings.VAR_DIR) / "npm" / PACKAGE.replace("/", "-")
    if not (kept / "package").is_dir():
        if shutil.which("npm") is None:
            pytest.skip(f"there is no npm here to get {PACKAGE} with: Segment's browser SDK is not tried")
        kept.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "pack", "--silent", PACKAGE], cwd=kept, capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode:
            pytest.skip(f"npm can't get {PACKAGE}: Segment's browser SDK is not tried")
        with tarfile.open(next(kept.glob("*.tgz"))) as archive:
            # Debian 12's Python has no filters yet; npm made the archive a moment ago, of what it checked by its hash.
            archive.extractall(kept, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return kept / "package"


@pytest.fixture
def source() -> Source:
    authenticate.forget()
    return SourceFactory(category="web")


def test_what_a_browser_says_is_on_the_right_person(
    browser: Browser, live_server: LiveServer, source: Source, shop: str
) -> None:
    host = live_server.url.replace("127.0.0.1", "localhost")
    page = browser.new_page()
    refused: list[str] = []
    page.on("requestfailed", lambda request: refused.append(f"{request.url} {request.failure}"))
    page.goto(shop)
    page.evaluate(
        """async ([writeKey, cdnURL]) => {
            const { AnalyticsBrowser } = window.AnalyticsNext ?? window;
            const [analytics] = await AnalyticsBrowser.load({ writeKey, cdnURL });
            window.shop = analytics;
            await analytics.page("Home");
            await analytics.identify("b1", { email: "Bea@example.com" });
            await analytics.track("Product Viewed", { sku: "s-1", price: 59 });
        }""",
        [source.write_key, host],
    )
    anonymous = page.evaluate("window.shop.user().anonymousId()")
    page.wait_for_load_state("networkidle")
    # On the way out, as RudderStack's SDK does it: nobody waits for the answer.
    page.evaluate(
        """([writeKey, host, anonymousId]) => addEventListener("pagehide", () => {
            const batch = [{ type: "track", event: "Left", anonymousId, messageId: crypto.randomUUID() }];
            const body = new Blob([JSON.stringify({ batch })], { type: "text/plain" });
            navigator.sendBeacon(`${host}/beacon/v1/batch?writeKey=${writeKey}`, body);
        })""",
        [source.write_key, host, anonymous],
    )
    page.goto("about:blank")
    assert until(lambda: (Inbox.objects.aggregate(sent=Sum("messages"))["sent"] or 0) >= 4)
    page.close()
    assert not refused
    stages.drain_all()
    assert not Rejected.objects.exists()
    bea = person(1, "b1")
    assert bea.email == "bea@example.com"
    assert person(7, anonymous).pk == bea.pk
    assert sorted(names_of(bea)) == ["Identified", "Left", "Page Viewed", "Product Viewed"]
    assert Event.objects.exclude(profile_id=bea.pk).count() == 0
    viewed = Event.objects.get(profile_id=bea.pk, properties__sku="s-1")
    assert viewed.context["page"]["url"] == shop
