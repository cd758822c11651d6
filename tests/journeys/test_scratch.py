import json, pytest
from tests.journeys.conftest import check_accessible, screenshot
from tests.journeys.world import small_company
from segments.rules import from_json
from segments import changes
from segments.counting import Count
pytestmark = pytest.mark.django_db(transaction=True)
RULE = {"all": [
  {"did": "Order Completed", "at_least": 3, "within_days": 60, "where": [{"property": "total", "greater": 50}]},
  {"did": "Email Opened", "at_most": 0, "within_days": 21},
  {"did": "Page Viewed", "at_least": 3, "first_days": 7, "after_first": "Order Completed", "on": {"days": ["sat","sun"], "from": "18:00", "to": "22:00"}},
  {"any": [{"total": "sum", "property": "total", "of": "Order Completed", "within_days": 365, "more": 500},
    {"moment": "first", "of": "Order Completed", "in_last_days": 30},
    {"changed": "fewer", "of": "Order Completed", "within_days": 90, "percent": 30}]},
  {"sequence": ["Page Viewed", "Order Completed"], "within_days": 7, "without": "Order Refunded"},
  {"trait": "country", "is": "ES"}, {"trait": "birthday", "birthday_in": 7}, {"trait": "age", "between": [18, 30]},
  {"has": "email"}, {"anonymous": False}, {"consent": "email", "is": "given"}, {"score": "churn", "greater": 0.7},
  {"records": "ticket", "state": "open", "where": [{"property": "title", "contains": "size"}]},
  {"not": {"segment": "Buyers"}}, {"sample": 10}, {"top": 10, "unit": "percent", "by": {"trait": "lifetime_value"}},
  {"top": 5, "unit": "percent", "by": {"total": "sum", "property": "total", "of": "Order Completed"}},
]}
@pytest.mark.parametrize("size", [(1440, 900, "light"), (1440,900,"dark"), (390, 844, "light")], ids=str)
def test_look(sign_in, monkeypatch, size):
    import segments.build_views as v
    if not LIVE:
        monkeypatch.setattr(v, "count", lambda rule: Count(1204, 12000, 31.0, ()))
    small_company()
    changes.create("Buyers", from_json({"trait": "country", "is": "ES"}), live=False)
    s = changes.create("All kinds", from_json(RULE), live=False)
    page = sign_in("marketer", width=size[0], height=size[1], scheme=size[2])
    page.goto(f"/segments/{s.pk}/edit/"); page.wait_for_load_state("networkidle")
    name=f"b-{size[0]}-{size[2]}"
    screenshot(page, name+"-kinds")
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth"); assert over <= 0
    check_accessible(page, name)
    page.goto("/segments/new/"); screenshot(page, name+"-empty")
    page.get_by_label("Add a condition").fill("ord"); page.wait_for_timeout(300)
    page.screenshot(path=f"var/test/screenshots/{name}-suggest.png")
    page.keyboard.press("ArrowDown"); page.keyboard.press("Enter"); page.wait_for_load_state("networkidle"); page.wait_for_timeout(300)
    page.locator("details.menu summary").first.click()
    page.screenshot(path=f"var/test/screenshots/{name}-added.png")
    print(page.evaluate("document.activeElement.id"))
LIVE = True
