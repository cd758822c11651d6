"""The demo company for attribution: where its visitors come from, its test of the newsletter, its campaigns and their cost."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.models import Arm, AudienceChannel, Campaign, Cost, Enrolment, Experiment, Goal, Journey, Origin
from cdp_site import stages
from cdp_site.demo import arrivals, history, money, seeding
from tests.stream import person, resolve_all

ENDING = datetime(2026, 6, 1, tzinfo=UTC)


def test_half_of_the_readers_get_no_newsletter_for_a_fortnight() -> None:
    arm: dict[str, str] = {}
    since: dict[str, datetime] = {}
    mails: dict[str, list[datetime]] = {}
    for system, text in history.stream(5, ENDING, 400):
        if system != "mail":
            continue
        said = json.loads(text)
        who, at = said["context"]["externalIds"][0]["id"], datetime.fromisoformat(said["timestamp"])
        if said.get("event") == "Experiment Viewed":
            assert who not in arm, "drawn once"
            arm[who], since[who] = said["properties"]["variation_id"], at
            assert ("control" in said["properties"]) == (arm[who] == "none")
        elif said.get("event") == "Email Delivered":
            mails.setdefault(who, []).append(at)
    sizes = Counter(arm.values())
    assert 0.35 < sizes["none"] / len(arm) < 0.65

    def reached(name: str) -> int:
        span = timedelta(days=history.TEST_DAYS)
        return sum(
            any(since[who] < at < since[who] + span for at in mails.get(who, [])) for who in arm if arm[who] == name
        )

    assert reached("none") == 0
    assert reached("mail") > sizes["mail"] / 2


def test_every_way_in_is_taken_and_says_who_sent() -> None:
    seen = set()
    for system, text in history.stream(5, ENDING, 150):
        said = json.loads(text)
        if system == "web" and "userAgent" in said.get("context", {}):
            campaign = said["context"].get("campaign", {})
            referrer = said["context"]["page"].get("referrer", "")
            assert not (campaign and referrer)
            if campaign:
                assert f"utm_campaign={campaign['name']}" in said["context"]["page"]["url"]
            seen.add((campaign.get("source", ""), campaign.get("name", ""), referrer))
    missing = {(way.source, way.campaign, way.referrer) for way in arrivals.WAYS} - seen
    assert not missing


@pytest.mark.django_db
def test_the_demo_has_all_that_the_dashboards_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "MOST_WAITING", 5)
    seeding.seed(60, wait=resolve_all)
    stages.drain_all()
    names = set(Origin.objects.values_list("channel__name", flat=True))
    assert {"Direct", "Organic Search", "Paid Search", "Paid Social", "Display", "E-mail", "App", "Referral"} <= names
    assert "Unassigned" not in names
    confirmed = Campaign.objects.filter(status="confirmed")
    assert confirmed.count() == len(money._CAMPAIGNS)
    assert all(one.names.exists() for one in confirmed)
    assert Campaign.objects.filter(status="recognised", channel__name="E-mail").exists(), "something to confirm"
    assert Cost.objects.filter(campaign__in=confirmed).count() == len(money._CAMPAIGNS) * history.DAYS
    assert Goal.objects.get().margin == money.MARGIN
    assert AudienceChannel.objects.count() == 2
    experiment = Experiment.objects.get(key=history.TEST[0])
    assert experiment.channel
    assert (experiment.name, experiment.channel.name, experiment.days) == (history.TEST[1], "E-mail", history.TEST_DAYS)
    assert sorted(Arm.objects.values_list("key", "control")) == [("mail", False), ("none", True)]
    assert Enrolment.objects.exists()
    jonas = Journey.objects.filter(profile_id=person(2, "HP90000002").pk, converted=True).get()
    first = Origin.objects.get(pk=jonas.origins[0])
    assert first.channel
    assert (first.event, first.channel.name) == ("ad clicked", "Paid Social"), "clicked before anybody knew who he was"
    money.tell(ENDING, 60)
    assert Cost.objects.count() == (len(money._CAMPAIGNS) + 1) * history.DAYS, "told once"
