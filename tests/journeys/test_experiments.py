"""A marketer brings in a file of who got the letter and who didn't, and reads what the letter added."""

from collections.abc import Callable
from datetime import UTC

import pytest
from playwright.sync_api import Page, expect

from campaigns.models import Enrolment, Experiment
from cdp_site import stages
from tests.campaigns.test_experiments import bought, viewed
from tests.factories import SourceFactory
from tests.journeys.conftest import check_accessible, screenshot
from tests.stream import send

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = [(1440, 900, "light"), (390, 844, "dark")]


def file() -> bytes:
    lines = [
        f"person{number}@example.com,{'No letter' if number % 3 == 0 else 'Letter'},2026-03-01" for number in range(120)
    ]
    return "\n".join(["email,group,since", *lines, "nobody,Letter,", "person3@example.com,Letter,2026-03-01"]).encode()


def customers() -> None:
    shop = SourceFactory(name="Shop", category="shop", hue=160)
    for number in range(120):
        who = {"type": "identify", "userId": f"u{number}", "traits": {"email": f"person{number}@example.com"}}
        send(shop, who)
        if number % 12 == 0 or number % 3 == 1:
            send(shop, bought(40 + number % 7, 3, userId=f"u{number}"))
    stages.drain_all()


@pytest.mark.parametrize("width", [1440, 390])
def test_she_brings_in_a_file_and_reads_what_the_letter_added(sign_in: Callable[..., Page], width: int) -> None:
    customers()
    page = sign_in("marketer", width=width, scheme="dark" if width == 390 else "light")
    page.goto("/campaigns/experiments/")
    check_accessible(page)
    screenshot(page, f"experiments-none-{width}")
    page.get_by_role("link", name="Bring in the first one").click()
    check_accessible(page)
    screenshot(page, f"experiment-new-{width}")
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "spring letter.csv", "mimeType": "text/csv", "buffer": file()}
    )
    page.get_by_role("button", name="Look at it").click()

    expect(page.locator("main")).to_contain_text("121 lines can be taken, 1 can't")
    expect(page.locator("main")).to_contain_text("line 122")
    expect(page.locator("main")).to_contain_text("1 is in more than one arm, and will be counted in none")
    page.get_by_label("No letter is the control").check()
    page.get_by_label("Its name").fill("Spring letter")
    page.get_by_label("Its name").press("Tab")
    check_accessible(page)
    screenshot(page, f"experiment-file-{width}")
    expect(page.get_by_label("No letter is the control")).to_be_checked()
    page.get_by_role("button", name="Send 121 lines").click()
    page.wait_for_url("**/experiments/*/*")
    expect(page.locator("main")).to_contain_text("on their way")
    stages.drain_all()

    page.reload()
    expect(page.get_by_role("heading", name="Spring letter")).to_be_visible()
    expect(page.locator(".verdict")).to_contain_text("“Letter” added")
    expect(page.locator("main")).to_contain_text("1 person is in more than one arm")
    expect(page.locator("[data-chart] svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    check_accessible(page)
    screenshot(page, f"experiment-{width}")

    page.get_by_label("Any event").fill("Identified")
    page.get_by_role("button", name="Measure").click()
    expect(page.locator(".verdict")).to_contain_text("Identified")
    page.go_back()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Share of No letter, in per cent").fill("10")
    check_accessible(page)
    screenshot(page, f"experiment-edit-{width}")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("main")).to_contain_text("People were not split as planned")
    check_accessible(page)
    screenshot(page, f"experiment-odd-{width}")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]} {size[2]}")
def test_with_long_names_and_several_arms(sign_in: Callable[..., Page], size: tuple[int, int, str]) -> None:
    shop = SourceFactory(name="Shop", category="shop", hue=160)
    names = ["No letter", "W" * 200, "A letter with a voucher"]
    for number in range(150):
        named = {"variation_name": names[number % 3], "control": number % 3 == 0, "experiment_name": "V" * 200}
        send(shop, viewed(f"arm{number % 3}", userId=f"u{number}", properties=named))
        if number % 4 == 0 or number % 3 == 2:
            send(shop, bought(20, 3, userId=f"u{number}"))
    stages.drain_all()
    experiment = Experiment.objects.get()
    page = sign_in("marketer", width=size[0], height=size[1], scheme=size[2])
    arm = experiment.arms.get(key="arm1").pk
    for number, address in enumerate(
        ["", f"{experiment.pk}/", f"{experiment.pk}/edit/", f"{experiment.pk}/people/?arm={arm}", "new/"]
    ):
        page.goto(f"/campaigns/experiments/{address}")
        page.wait_for_load_state("load")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address
        screenshot(page, f"experiments-long-{number}-{size[0]}-{size[2]}")
        check_accessible(page, address)


def test_a_moment_that_is_typed_in_haste_is_the_one_that_counts(sign_in: Callable[..., Page]) -> None:
    customers()
    page = sign_in("marketer")
    page.goto("/campaigns/experiments/new/")
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "letter.csv", "mimeType": "text/csv", "buffer": b"email,group\na@example.com,A\nb@example.com,B\n"}
    )
    page.get_by_role("button", name="Look at it").click()
    # The answer to the name comes while the moment is being typed.
    page.route("**/experiments/files/**", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.get_by_label("Its name").fill("Letter")
    page.get_by_label("Its name").press("Tab")
    start = page.get_by_label("Where it says none, since")
    start.fill("2026-03-01T1")
    page.wait_for_timeout(1_200)
    start.press_sequentially("2:00")
    expect(start).to_have_value("2026-03-01T12:00")
    start.press("Tab")
    expect(page.locator("#first + *, #main")).to_contain_text("1 Mar 2026, 12:00")
    page.unroute_all(behavior="wait")
    page.get_by_role("button", name="Send 2 lines").click()
    page.wait_for_url("**/experiments/*/*")
    expect(page.locator("#result")).to_contain_text("Still on its way")
    stages.drain_all()
    expect(page.locator("#result .verdict")).to_be_visible()  # it follows by itself
    since = Enrolment.objects.values_list("since", flat=True)
    assert {one.astimezone(UTC).isoformat() for one in since} == {"2026-03-01T11:00:00+00:00"}
