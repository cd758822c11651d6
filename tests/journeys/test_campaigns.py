"""A marketer puts campaigns in order: confirms and merges them, says what they cost, and gives a stray a channel."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.models import Campaign, Cost, Origin
from cdp_site import stages
from connectors.models import AudienceSegment
from segments import changes
from segments.rules import from_json
from tests.factories import AudienceFactory
from tests.journeys.conftest import check_accessible, screenshot
from tests.journeys.selling import advertising_company
from tests.journeys.test_every_page import SIZES, look_at
from tests.stream import send

pytestmark = pytest.mark.django_db(transaction=True)
COSTS = b"Day,Campaign,Amount spent,Currency\n2026-03-01,banners,40.00,EUR\n03/04/2026,banners,1,EUR\n2026-03-02,banners,20,EUR\n"


def company() -> None:
    sources = advertising_company()
    said = {"campaign": {"source": "leaflet", "medium": "paper"}}
    send(
        sources["web"], {"type": "page", "anonymousId": "z1", "context": said, "timestamp": timezone.now().isoformat()}
    )
    lookers = changes.create("Looked around", from_json({"all": [{"did": "Page Viewed"}]}))
    buyers = changes.create("Bought", from_json({"all": [{"did": "Order Completed"}]}))
    audience = AudienceFactory(name="Everybody but buyers")
    for segment, role in ((lookers, "include"), (buyers, "exclude")):
        AudienceSegment.objects.create(audience=audience, segment=segment, role=role)
    stages.drain_all()


@pytest.mark.parametrize("width", [1440, 390])
def test_she_puts_campaigns_in_order(sign_in: Callable[..., Page], width: int) -> None:
    company()
    page = sign_in("marketer", width=width, scheme="dark" if width == 390 else "light")
    page.goto("/campaigns/")
    waiting = Campaign.objects.filter(status="recognised").count()
    expect(page.locator("main")).to_contain_text(f"{waiting} recognised from what arrived")
    ours = list(Campaign.objects.filter(name__startswith="banners").order_by("name"))
    assert len(ours) == 2, "under two sources"
    for one in ours:
        page.get_by_label(f"Choose {one.name}", exact=True).check()
    page.get_by_role("button", name="Merge …").click()
    check_accessible(page)
    screenshot(page, f"campaigns-merge-{width}")
    page.get_by_role("button", name="Merge them").click()
    expect(page.locator("main")).to_contain_text("2 campaigns are one now")
    check_accessible(page)
    screenshot(page, f"campaign-{width}")

    page.goto("/campaigns/costs/")
    page.get_by_label("CSV").set_input_files({"name": "march.csv", "mimeType": "text/csv", "buffer": COSTS})
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator("main")).to_contain_text("line 3")
    expect(page.locator("main")).to_contain_text("can be read in two ways")
    check_accessible(page)
    screenshot(page, f"costs-file-{width}")
    page.get_by_role("button", name="Keep 2 costs").click()
    expect(page.locator("main")).to_contain_text("march.csv: 2 costs kept")
    assert sum(Cost.objects.filter(said_by="march.csv").values_list("amount", flat=True)) == 60
    check_accessible(page)

    page.goto("/campaigns/channels/")
    expect(page.locator("main")).to_contain_text("source leaflet, medium paper")
    page.get_by_role("link", name="Write a line for it").click()
    page.get_by_label("What").first.select_option("medium")
    page.get_by_label("Value").first.fill("paper")
    page.get_by_label("Then it is").select_option(label="Store")
    page.get_by_role("button", name="What would move").click()
    expect(page.locator("main")).to_contain_text("1 touchpoint of the last 30 days would move, from 1 origin")
    check_accessible(page)
    screenshot(page, f"channel-line-{width}")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("main")).to_contain_text("Every page reads journeys by it from now on")
    found = Origin.objects.get(source="leaflet").channel
    assert found
    assert found.name == "Store"


@pytest.mark.parametrize("size", [SIZES[0], SIZES[3]], ids=lambda size: f"{size[0]} {size[2]}")
def test_every_page_of_campaigns(sign_in: Callable[..., Page], size: tuple[int, int, str]) -> None:
    company()
    one = Campaign.objects.order_by("name")[0]
    page = sign_in("marketer", width=size[0], height=size[1], scheme=size[2])
    look_at(
        page,
        [
            "/campaigns/", f"/campaigns/{one.pk}/", "/campaigns/costs/", "/campaigns/channels/", "/campaigns/left-out/",
            "/campaigns/channels/lines/new/",
        ],
        size,
    )  # fmt: skip


@pytest.mark.parametrize("size", [SIZES[0], SIZES[3]], ids=lambda size: f"{size[0]} {size[2]}")
def test_campaigns_with_nothing(sign_in: Callable[..., Page], size: tuple[int, int, str]) -> None:
    page = sign_in("marketer", width=size[0], height=size[1], scheme=size[2])
    look_at(page, ["/campaigns/", "/campaigns/costs/", "/campaigns/channels/", "/campaigns/left-out/"], size)
