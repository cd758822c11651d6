"""What the builder shows beside a rule: its size month by month, whom one can reach, who would come and go."""

import time
from datetime import datetime, timedelta

import numpy as np
import pytest
from django.utils import timezone

from cdp_site import stages
from connectors import authenticate
from profiles.models import Profile
from segments import catalog, changes, preview
from segments.counting import count
from segments.evaluate import evaluate
from segments.load import load
from segments.models import Membership, Segment
from segments.require import require
from segments.rules import All, Any, Did, Events, Last, Not, Rule, Top, Total, Trait, days, from_json
from tests.factories import SourceFactory
from tests.stream import person, send

pytestmark = pytest.mark.django_db

BOUGHT = Events("Order Completed")


@pytest.fixture(autouse=True)
def company() -> None:
    """Six customers, u0 to u5: u0 buys every 45 days since two years ago, the others once, 60 days apart."""
    authenticate.forget()
    shop = SourceFactory()
    now = timezone.now()
    for number in range(6):
        consents = {"email": number < 4, "sms": number == 0, "ads": True}
        phone = f"+3460011122{number}" if number < 2 else ""
        traits = {
            "email": f"u{number}@example.com",
            "phone": phone,
            "country": "ES" if number % 2 else "DE",
            "consents": consents,
        }
        began = now - timedelta(days=720 if number == 0 else 60 * number)
        send(shop, {"type": "identify", "userId": f"u{number}", "traits": traits, "timestamp": began.isoformat()})
        times = [began + timedelta(days=45 * n) for n in range(16)] if number == 0 else [began]
        for place, at in enumerate(times):
            order = {"order_id": f"o{number}-{place}", "total": 10.0 * (number + 1), "currency": "EUR"}
            bought = {"type": "track", "event": "Order Completed", "userId": f"u{number}", "properties": order}
            send(shop, {**bought, "timestamp": at.isoformat()})
    stages.drain_all()


def everybody() -> dict[str, int]:
    return {f"u{number}": person(1, f"u{number}").pk for number in range(6)}


@pytest.mark.parametrize(
    "rule",
    [
        Did(BOUGHT, window=Last(days(60))),
        Did(BOUGHT, "at_most", 0, Last(days(100))),
        Any((Did(BOUGHT, "at_least", 10), Not(Did(BOUGHT, "at_least", 2)))),
        from_json({"changed": "fewer", "of": "Order Completed", "within_days": 90}),
        from_json({"total": "sum", "property": "total", "of": "Order Completed", "within_days": 200, "more": 25}),
    ],
)
def test_the_size_at_each_months_end_is_that_of_counting_then_among_those_who_were_there(rule: Rule) -> None:
    now = timezone.now()
    months = preview.further(rule, now=now).months
    assert len(months) == preview.MONTHS + 1
    assert [moment for moment, _ in months] == preview.month_ends(now)
    for moment, size in months[:-1]:
        there = Profile.objects.filter(first_seen__lt=moment)
        assert size == sum(inside(rule, one.pk, moment) for one in there), moment
    assert months[-1][1] == count(rule, now).count


def inside(rule: Rule, id: int, at: datetime) -> bool:
    return bool(evaluate(rule, load(require(rule), np.array([id]), at), at).inside[0])


def test_months_end_by_the_companys_calendar() -> None:
    now = timezone.now()
    ends = preview.month_ends(now)
    local = [timezone.localtime(end) for end in ends[:-1]]
    assert all((end.day, end.hour, end.minute) == (1, 0, 0) for end in local)
    assert len({(end.year, end.month) for end in local}) == preview.MONTHS
    assert ends[-1] == now
    assert ends == sorted(ends)


def test_nobody_is_counted_before_they_were_first_seen() -> None:
    sizes = [size for _, size in preview.further(Trait("country", "exists")).months]
    assert sizes == sorted(sizes)
    assert sizes[0] == 0
    assert sizes[-1] == 6


def test_a_channel_reaches_those_who_have_what_it_needs_and_agreed() -> None:
    reach = {one.channel: one for one in preview.further(Trait("country", "exists")).reach}
    assert {channel: one.count for channel, one in reach.items()} == {"E-mail": 4, "SMS and phone": 1, "Ads": 6}
    assert reach["E-mail"].share == pytest.approx(4 / 6)
    nobody = preview.further(Trait("country", "is", "XX"))
    assert [one.count for one in nobody.reach] == [0, 0, 0]
    assert [one.share for one in nobody.reach] == [0.0, 0.0, 0.0]


def test_who_would_enter_and_leave_is_who_does_when_the_rule_is_saved() -> None:
    people = everybody()
    segment = changes.create("Spanish", Trait("country", "is", "ES"))
    stages.drain_all()
    before = set(Membership.objects.filter(segment_id=segment.pk).values_list("profile_id", flat=True))
    assert before == {people["u1"], people["u3"], people["u5"]}
    new = Any((Did(BOUGHT, "at_least", 2), All((Trait("country", "is", "ES"), Did(BOUGHT, window=Last(days(200)))))))
    moves = preview.further(new, segment).moves
    assert moves is not None
    assert (moves.enter, moves.leave, moves.stay) == (1, 1, 2)
    assert (moves.entering, moves.leaving) == ((people["u0"],), (people["u5"],))
    changes.save_rule(segment, new)
    stages.drain_all()
    after = set(Membership.objects.filter(segment_id=segment.pk).values_list("profile_id", flat=True))
    assert (after - before, before - after) == ({people["u0"]}, {people["u5"]})
    same = preview.further(new, segment).moves
    assert same == preview.Moves(0, 0, 3)


def test_chunks_add_up_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    segment = changes.create("Spanish", Trait("country", "is", "ES"))
    stages.drain_all()
    rule = Top(50, "percent", Total("sum", "total", BOUGHT))
    now = timezone.now()
    whole = preview.further(rule, segment, now)
    monkeypatch.setattr("segments.load.CHUNK", 2)
    assert preview.further(rule, segment, now) == whole
    assert whole.months[-1][1] == 3


def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "SECONDS", -1.0)
    assert preview.further(Trait("country", "exists")) == preview.Further(whole=False)
    assert preview.counted(Trait("country", "exists")) is None
    assert count(Trait("country", "exists")).count == 6, "only who builds waits for it"


def test_one_statement_that_takes_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> str:
        return "(SELECT true FROM pg_sleep(30))"

    monkeypatch.setattr(preview, "SECONDS", 0.3)
    monkeypatch.setattr("segments.load.condition", slow)
    started = time.monotonic()
    assert preview.counted(Trait("country", "is", "ES")) is None
    assert preview.further(Trait("country", "is", "ES")) == preview.Further(whole=False)
    assert time.monotonic() - started < 10
    monkeypatch.undo()
    counted = preview.counted(Trait("country", "is", "ES"))
    assert counted is not None and counted.count == 3


def test_a_rule_that_asks_for_itself_or_for_nobody_is_named() -> None:
    vip = changes.create("VIP", Trait("country", "is", "ES"), live=False)
    changes.create("Best", from_json({"segment": "VIP"}), live=False)
    assert preview.trouble(from_json({"segment": "Best"}), "") == ""
    assert "VIP → Best → VIP" in preview.trouble(from_json({"segment": "Best"}), "VIP")
    assert "'Worst'" in preview.trouble(from_json({"segment": "Worst"}), "VIP")
    assert Segment.objects.get(pk=vip.pk).status == "draft"


def test_records_and_identifiers_are_suggested_from_what_arrived() -> None:
    [orders] = catalog.records()
    assert (orders.kind, orders.count, orders.open) == ("order", 21, 0)
    fields = {one.name: one for one in catalog.fields("order")}
    assert fields["status"].values == ("completed",)
    assert fields["value"].kind == "number"
    assert catalog.fields("ticket") == []
    assert "email" in {one.name for one in catalog.identifiers()}
    assert "anonymous_id" not in {one.name for one in catalog.identifiers()}
