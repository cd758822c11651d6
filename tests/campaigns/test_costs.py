"""Costs: what a file may look like, what is wrong with it line by line, that the later word holds, that sums are right."""

import contextlib
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import cost_file, costs, named
from campaigns.attribution.channels import assign
from campaigns.cost_file import Unreadable, read
from campaigns.models import Campaign, CampaignName, Channel, Cost, Origin

HEAD = "day,channel,campaign,cost,currency,impressions,clicks\n"


def test_a_plain_file_is_read() -> None:
    found = read(HEAD + "2026-03-01,Paid Search,brand,12.50,EUR,1000,40\n2026-03-02,Paid Search,brand,7,,,\n")
    assert not found.wrong
    first, second = found.lines
    assert (first.day, first.amount, first.impressions, first.clicks) == (date(2026, 3, 1), Decimal("12.5"), 1000, 40)
    assert (second.number, second.amount, second.currency, second.clicks) == (3, Decimal(7), "", None)


def test_an_export_of_an_advertising_system_is_read() -> None:
    text = (
        "\ufeffDay;Campaign name;Campaign ID;Amount spent (EUR);Impr.;Reach\n31.03.2026;Coats;120;1.234,50 €;10.000;9\n"
    )
    found = read(text)
    assert not found.wrong
    assert found.ignored == ("Reach",)
    (line,) = found.lines
    assert (line.amount, line.ad, line.impressions) == (Decimal("1234.50"), "120", 10_000)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("2026-02-30,Paid Search,,1,,,", "there is no 2026-02-30"),
        ("03/04/2026,Paid Search,,1,,,", "two ways"),
        ("soon,Paid Search,,1,,,", "is no day"),
        ("2026-03-01,Paid Search,,free,,,", "is no number"),
        ("2026-03-01,Paid Search,,NaN,,,", "can't be what something cost"),
        ("2026-03-01,Paid Search,,-3,,,", "can't be what something cost"),
        ("2026-03-01,Paid Search,,1,euros,,", "no code of three letters"),
        ("2026-03-01,Paid Search,,1,EUR,many,", "impressions"),
        ("2026-03-01,,,1,EUR,,", "neither a channel nor a campaign"),
        ("1926-03-01,Paid Search,,1,EUR,,", "too far away"),
        ("2026-03-01", "no number"),
    ],
)
def test_what_is_wrong_is_said_by_line_and_the_others_stand(line: str, why: str) -> None:
    found = read(f"{HEAD}2026-03-01,Paid Search,,5,,,\n{line}\n")
    assert len(found.lines) == 1
    (wrong,) = found.wrong
    assert wrong.number == 3
    assert why in wrong.why or (line == "2026-03-01" and "neither" in wrong.why)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing"),
        ("a,b\n1,2\n", "the day or the amount"),
        ("day,cost\n2026-03-01,2\n", "a column for the channel"),
        ("day,cost,Cost,channel\n2026-03-01,1,2,Display\n", "names “Cost” twice"),
        ("\x01\x02,\x03\n", r"\(found: nothing\)"),
    ],
)
def test_a_file_that_cant_be_read_says_why(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(text)


def test_a_column_that_says_what_another_one_says_is_left_alone_and_named() -> None:
    found = read("day,cost,amount spent,channel\n2026-03-01,1,2,Display\n")
    assert found.lines[0].amount == 1
    assert found.ignored == ("amount spent (“cost” says it)",)


@given(st.text(max_size=300))
def test_whatever_is_sent_is_read_or_refused_in_words(text: str) -> None:
    for sent in (HEAD + text, text, text + HEAD):
        with contextlib.suppress(Unreadable):
            read(sent)


@given(st.decimals(0, 10**9, places=2), st.integers(1, 400))
def test_the_parts_of_a_total_add_up_and_differ_by_a_cent(total: Decimal, days: int) -> None:
    parts = list(cost_file.parts(total, days))
    assert len(parts) == days
    assert sum(parts) == total
    assert max(parts) - min(parts) <= Decimal("0.01")


def arrived(id: int, source: str, name: str, medium: str = "cpc") -> None:
    Origin.objects.create(id=id, key=id, category="web", source=source, medium=medium, campaign_name=name)
    assign([id])


@pytest.mark.django_db
def test_a_file_finds_its_campaigns_by_name_source_or_id() -> None:
    arrived(1, "google", "brand")
    arrived(2, "bing", "brand")
    CampaignName.objects.create(campaign=Campaign.objects.get(names__source="bing"), kind="ad", source="", value="77")
    plan = costs.plan(
        "day,campaign,source,campaign id,cost\n2026-03-01,brand,google,,1\n2026-03-01,brand,,,2\n2026-03-01,,,77,3\n"
    )
    assert [one.amount for one in plan.spent] == [1, 3]
    (wrong,) = plan.wrong
    assert wrong.number == 3
    assert "several campaigns" in wrong.why


@pytest.mark.django_db
def test_a_look_changes_nothing_and_keeping_does_what_it_said() -> None:
    arrived(1, "google", "brand")
    text = (
        HEAD
        + "2026-03-01,,brand,10,,,\n2026-03-01,,brand,5,,,\n2026-03-02,Paid Social,coats,7,,,\n2026-03-02,E-Mail,,3,,,\n"
    )
    plan = costs.plan(text)
    assert (plan.made, plan.replaces, plan.same, plan.wrong) == (("coats",), 0, 0, ())
    assert {name: amount for name, _, amount in plan.totals} == {"Paid Search": 15, "Paid Social": 7, "E-mail": 3}
    assert not Cost.objects.exists()
    assert costs.write(plan.spent, "march.csv") == 3
    made = Campaign.objects.get(name="coats")
    assert (made.status, made.channel and made.channel.name) == ("confirmed", "Paid Social")
    assert Cost.objects.get(campaign=made).said_by == "march.csv"
    again = costs.plan(text)
    assert (again.made, again.replaces, again.same) == ((), 0, 3), "the same file again changes nothing"
    other = costs.plan(text.replace(",10,", ",11,"))
    assert (other.replaces, other.same) == (1, 2)
    costs.write(other.spent, "march.csv")
    assert sum(Cost.objects.values_list("amount", flat=True)) == 26
    arrived(2, "facebook", "coats", "paid-social")
    assert Origin.objects.get(pk=2).campaign == made, "what the file named is known when it arrives"


@pytest.mark.django_db
def test_an_unknown_channel_is_said() -> None:
    plan = costs.plan(HEAD + "2026-03-01,Skywriting,,10,,,\n2026-03-01,,nobody-knows,10,,,\n")
    assert not plan.spent
    assert ["Skywriting" in plan.wrong[0].why, "nobody-knows" in plan.wrong[1].why] == [True, True]


@pytest.mark.django_db
def test_a_total_by_hand_is_spread_over_its_days_and_can_be_forgotten() -> None:
    channel = Channel.objects.get(name="Display")
    since, until = date(2026, 3, 1), date(2026, 3, 30)
    assert costs.by_hand(channel, None, since, until, Decimal("100.01"), "EUR", "marta") == 30
    assert sum(Cost.objects.values_list("amount", flat=True)) == Decimal("100.01")
    assert costs.by_hand(channel, None, until, until, Decimal(9), "EUR", "marta") == 1
    assert Cost.objects.count() == 30
    assert costs.remove(channel.pk, None, since, since + timedelta(days=9)) == 10
    with pytest.raises(named.NotSo):
        costs.by_hand(channel, None, until, since, Decimal(1), "EUR", "marta")
