"""The language of rules: what it says, that it comes back the same, and where a mistake is."""

import re
from pathlib import Path
from typing import Any as Anything

import pytest

from segments.rules import (
    MAX_DEPTH,
    All,
    Any,
    Between,
    Changed,
    Consent,
    Did,
    Events,
    FirstAfter,
    Hours,
    InSegment,
    Known,
    Last,
    Measure,
    Moment,
    Not,
    PropertyFilter,
    Records,
    Rule,
    RuleError,
    Sample,
    Score,
    Sequence,
    SinceLast,
    Top,
    Total,
    Trait,
    days,
    to_json,
)
from segments.text import MAX_LENGTH, TextError, parse, to_text

X = Events("X")
A, B, C = Trait("a", "is", 1), Trait("b", "is", 2), Trait("c", "is", 3)
SHOES = (PropertyFilter("category", "is", "shoes"), PropertyFilter("value", "greater", 50))

# Each as it is written: `to_text` gives exactly this.
SAID: list[tuple[str, Rule]] = [
    ('did "Order Completed" at least 3 times in last 60 days', Did(Events("Order Completed"), "at_least", 3, Last(days(60)))),
    ('did "Order Completed" where category = "shoes" and value > 50 in last 90 days',
     Did(Events("Order Completed", SHOES), window=Last(days(90)))),
    ('did not "Email Opened" in last 21 days', Did(Events("Email Opened"), "at_most", 0, Last(days(21)))),
    ('sum of revenue over "Order Completed" in last 365 days > 500',
     Measure(Total("sum", "revenue", Events("Order Completed"), Last(days(365))), "more", 500)),
    ('fewer "Order Completed" in last 90 days than in the 90 days before',
     Changed("fewer", Events("Order Completed"), days(90))),
    ('"Order Completed" down 30% in last 90 days against the 90 days before',
     Changed("fewer", Events("Order Completed"), days(90), percent=30)),
    ('did "Product Viewed" then "Order Completed" within 7 days',
     Sequence((Events("Product Viewed"), Events("Order Completed")), days(7))),
    ('did "Gym Visit" at least 3 times in first 7 days after first "Member Joined"',
     Did(Events("Gym Visit"), "at_least", 3, FirstAfter(days(7), Events("Member Joined")))),
    ('country = "ES" and lifecycle is any of ("active", "slipping") and birthday in next 7 days',
     All((
         Trait("country", "is", "ES"), Trait("lifecycle", "one_of", ("active", "slipping")), Trait("birthday", "birthday_in", 7),
     ))),
    ('has open ticket and not in segment "VIP" and (score churn > 0.7 or top 10% by lifetime_value)',
     All((
         Records("ticket"), Not(InSegment("VIP")), Any((Score("churn", "greater", 0.7), Top(10, "percent", "lifetime_value"))),
     ))),
    # Events: which, when and how often.
    ('did "X"', Did(X)),
    ('did "X" exactly 1 time', Did(X, "exactly", 1)),
    ('did "X" at most 2 times in last 1 hour', Did(X, "at_most", 2, Last(3_600))),
    ('did "X" where (category = "shoes" and value > 50)', Did(Events("X", SHOES))),
    ('did "X" where category = "shoes" and value > 50 at least 2 times', Did(Events("X", SHOES), "at_least", 2)),
    ('did "X" on sat, sun from 18:00 to 02:00', Did(Events("X", (), Hours((6, 7), 1_080, 120)))),
    ('did "X" from 00:00 to 09:30 in last 7 days', Did(Events("X", (), Hours((), 0, 570)), window=Last(days(7)))),
    ('did "X" between 2026-01-01 and 2026-03-31T12:00:00+00:00',
     Did(X, window=Between("2026-01-01", "2026-03-31T12:00:00+00:00"))),
    ('did not "X" since last "Y" where (plan != "pro")',
     Did(X, "at_most", 0, SinceLast(Events("Y", (PropertyFilter("plan", "is_not", "pro"),))))),
    ('not did "X" in first 7 days after first "Y"', Not(Did(X, window=FirstAfter(days(7), Events("Y"))))),
    # Totals.
    ('average of value over "X" <= 1.5', Measure(Total("average", "value", X), "at_most", 1.5)),
    ('lowest of value over "X" where value > 0 and category = "shoes" >= 2',
     Measure(Total("lowest", "value", Events("X", (PropertyFilter("value", "greater", 0), SHOES[0]))), "at_least", 2)),
    ('highest of value over "X" < 3', Measure(Total("highest", "value", X), "less", 3)),
    ('distinct values of category over "X" in last 30 days = 4',
     Measure(Total("distinct", "category", X, Last(days(30))), "exactly", 4)),
    # Moments, periods and sequences.
    ('first "X" was in last 30 days', Moment("first", X, "in_last_days", 30)),
    ('last "X" on mon was over 1 day ago', Moment("last", Events("X", (), Hours((1,))), "over_days_ago", 1)),
    ('last "X" was before 2026-05-01', Moment("last", X, "before", "2026-05-01")),
    ('last "X" was between 2026-05-01 and 2026-05-31', Moment("last", X, "between", ("2026-05-01", "2026-05-31"))),
    ('more "X" in last 1 day than in the 1 day before', Changed("more", X, days(1))),
    ('sum of value over "X" up in last 30 days against the 30 days before', Changed("more", X, days(30), "value")),
    ('sum of value over "X" down 12.5% in last 30 days against the 30 days before', Changed("fewer", X, days(30), "value", 12.5)),
    ('did "A" where step = 1 then "B" then not "C" within 3 hours in last 30 days',
     Sequence((Events("A", (PropertyFilter("step", "is", 1),)), Events("B")), 10_800, Events("C"), Last(days(30)))),
    # The person.
    ('name contains "a"', Trait("name", "contains", "a")),
    ('name starts with "a"', Trait("name", "starts_with", "a")),
    ('vip = true', Trait("vip", "is", True)),
    ('vip exists', Trait("vip", "exists")),
    ('vip is missing', Trait("vip", "missing")),
    ('age between 30 and 39.5', Trait("age", "between", (30, 39.5))),
    ('joined after 2026-01-01', Trait("joined", "after", "2026-01-01")),
    ('joined is in last 7 days', Trait("joined", "in_last_days", 7)),
    ('trial_ends is in next 10 days', Trait("trial_ends", "in_next_days", 10)),
    ('birthday today', Trait("birthday", "birthday_in", 0)),
    ('joined has anniversary in next 7 days', Trait("joined", "birthday_in", 7)),
    ('trait birthday is in next 7 days', Trait("birthday", "in_next_days", 7)),
    ('address.city = "Vigo"', Trait("address.city", "is", "Vigo")),
    ('"first name" = "Ana"', Trait("first name", "is", "Ana")),
    ('"score" = "5"', Trait("score", "is", "5")),
    ('has email', Known("email")),
    ('is anonymous', Known("anonymous")),
    ('has "ticket"', Known("ticket")),
    ('consent to email is given', Consent("email")),
    ('consent to sms is unknown', Consent("sms", "unknown")),
    ('score churn between 0.2 and 0.4', Score("churn", "between", (0.2, 0.4))),
    ('has no closed deal where (value > 100)',
     Records("deal", "closed", (PropertyFilter("value", "greater", 100),), "at_most", 0)),
    ('has at least 2 any "support case" records', Records("support case", "any", (), "at_least", 2)),
    ('has any subscription where (renews_at is in next 7 days)',
     Records("subscription", "any", (PropertyFilter("renews_at", "in_next_days", 7),))),
    ('random 12.5% of people', Sample(12.5)),
    ('random 10% of people with salt spring', Sample(10, "spring")),
    ('top 100 people by score churn', Top(100, "people", "score_churn")),
    ('top 5% by number of "X" where (category = "shoes" and value > 50)',
     Top(5, "percent", Total("count", "", Events("X", SHOES)))),
    ('top 5% by sum of value over "X" in last 365 days', Top(5, "percent", Total("sum", "value", X, Last(days(365))))),
    ('in segment "VIP"', InSegment("VIP")),
    # Groups.
    ('a = 1 and b = 2 and c = 3', All((A, B, C))),
    ('(a = 1 and b = 2) and c = 3', All((All((A, B)), C))),
    ('(a = 1 and b = 2) or c = 3', Any((All((A, B)), C))),
    ('a = 1 and (b = 2 or c = 3)', All((A, Any((B, C))))),
    ('all(a = 1)', All((A,))),
    ('any(all(a = 1)) and b = 2', All((Any((All((A,)),)), B))),
    ('not not (a = 1 or not b = 2)', Not(Not(Any((A, Not(B)))))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "rule"), SAID, ids=[text for text, _ in SAID])
def test_it_is_said_and_understood(text: str, rule: Rule) -> None:
    assert repr(parse(text)) == repr(rule)
    assert to_text(rule) == text


def test_every_kind_of_condition_is_among_them() -> None:
    kinds = (
        All, Any, Not, Did, Measure, Moment, Changed, Sequence, Trait, Known, Consent, Score, Records, InSegment, Sample, Top,
    )  # fmt: skip
    assert {type(rule) for _, rule in SAID} == set(kinds)


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        # As it was written before there were 'and' and 'or'.
        ('all(did "Order Completed" where category is "shoes" at least 3 times in 60 days, trait country is "ES")',
         'did "Order Completed" where category = "shoes" at least 3 times in last 60 days and country = "ES"'),
        ('any(\n  trait "a b" starts with "\\"ñ",\n  not(trait joined in the last 7 days)\n)',
         '"a b" starts with "\\"ñ" or not joined is in last 7 days'),
        ('trait a one of (1, "x") ', 'a is any of (1, "x")'),
        ('trait a greater than 5', 'a > 5'),
        # In other words.
        ('DID NOT "Email Opened" IN 21 days', 'did not "Email Opened" in last 21 days'),
        ('not did X in the last day', 'did not "X" in last 1 day'),
        ('did X twice in last 2 weeks', 'did "X" exactly 2 times in last 14 days'),
        ('did X in last 90 days at least 3 times where a = 1', 'did "X" where a = 1 at least 3 times in last 90 days'),
        ('did “Order Completed” from 2026-01-01 to 2026-02-01', 'did "Order Completed" between 2026-01-01 and 2026-02-01'),
        ('did X on Saturday, sundays ever', 'did "X" on sat, sun'),
        ('all(did X on sat, sun from 9:00 to 12:00, a = 1)', 'did "X" on sat, sun from 09:00 to 12:00 and a = 1'),
        ('a = 1 and b = 2 or c = 3', '(a = 1 and b = 2) or c = 3'),
        ('((a = 1))', 'a = 1'),
        ('did X where a = 1 ever and b = 2', 'did "X" where (a = 1) and b = 2'),
        ('did X where a = 1 and b = 2', 'did "X" where (a = 1 and b = 2)'),
        ('did X where a = 1 and has email and did "Y"', 'did "X" where (a = 1) and has email and did "Y"'),
        ('max of value over X is at least 5', 'highest of value over "X" >= 5'),
        ('number of different category over X at least 3', 'distinct values of category over "X" >= 3'),
        ('number of X in last 5 days > 5', 'did "X" at least 6 times in last 5 days'),
        ('number of X < 1', 'did not "X"'),
        ('X down by at least 30% in last 90 days than in the 90 days before',
         '"X" down 30% in last 90 days against the 90 days before'),
        ('X up in last 2 weeks against the period before', 'more "X" in last 14 days than in the 14 days before'),
        ('first X was more than 30 days ago', 'first "X" was over 30 days ago'),
        ('birthday is in the next 7 days', 'birthday in next 7 days'),
        ('lifetime_value is more than 100', 'lifetime_value > 100'),
        ('is not anonymous or has no email', 'not is anonymous or not has email'),
        ('agreed to email', 'consent to email is given'),
        ('has at least 2 open tickets', 'has at least 2 open ticket records'),
        ('top 10 by lifetime_value', 'top 10 people by lifetime_value'),
        ('random 10%', 'random 10% of people'),
    ],
)  # fmt: skip
def test_text_may_be_written_more_freely(text: str, same_as: str) -> None:
    assert to_text(parse(text)) == same_as


def test_json_is_understood_as_well() -> None:
    rule = parse(' {"did": "X", "within_days": 7}')
    assert rule == Did(X, window=Last(days(7)))
    with pytest.raises(RuleError, match="within_days: must be a whole number"):
        parse('{"did": "X", "within_days": "7"}')
    with pytest.raises(TextError, match="isn't JSON"):
        parse('{"did": "X",}')


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("", 1, "expected a condition, such as did"),
        ('dod "Order Completed"', 1, "found dod; did you mean did?"),
        ('did "X" at leest 3 times', 12, "expected 'least' or 'most', found leest; did you mean least?"),
        ("did X at least", 15, "expected a number of times, found the end"),
        ('did "X" in lst 60 days', 12, "did you mean last?"),
        ('did "X" in last 60 dyas', 20, "expected days, weeks, hours, minutes or seconds, found dyas; did you mean days?"),
        ("did X ever more", 12, "expected 'and', 'or' or the end, found more"),
        ('did "X" in last 60 days in last 3 days', 25, "a window is said twice"),
        ("did X at least 1 time exactly 2 times", 23, "the number of times is said twice"),
        ("did not X at least 2 times", 11, "'did not' has no number of times"),
        ('did "X', 5, "the quote isn't closed"),
        ('did "\\x"', 5, "isn't quoted as in JSON"),
        ("did X in last 99999 days", 15, "must be a whole number from 1 to 36,500"),
        ("did X where a is in last 5 days", 26, "a filter on events has no clock of its own"),
        ("did X where a = 1 where b = 2", 19, "where is said twice"),
        ("did X on weekend", 10, "expected a day such as sat"),
        ("did A then B", 13, "expected 'within', found the end"),
        ("did not A then B within 2 days", 11, "'did not' has one event"),
        ("all(trait a is 1", 17, "expected ',' or ')', found the end"),
        ("(a = 1", 7, "expected 'and', 'or' or ')', found the end"),
        ("a = 1)", 6, "expected 'and', 'or' or the end, found )"),
        ("a = 1 and", 10, "expected a condition"),
        ('country "ES"', 9, "expected a comparison such as ="),
        ('country contans "x"', 9, "did you mean contains?"),
        ("country is ES", 12, 'a text needs quotes: "ES"'),
        ("trait a is 'b'", 12, "texts need double quotes"),
        ("a = 007", 5, "007 is no number"),
        ("90days", 1, "after a number comes a space"),
        ("a >= 5", 3, ">= compares totals"),
        ("score churn is 5", 13, "is can't be asked here"),
        ("joined in last 5 hours", 16, "expected days or weeks, found hours"),
        ("a = 1 and (b = 2 and (c between 5 and 3))", 25, "must begin with the lower value"),
        ('a = 1\nand b is any of ("x",\n  "y" "z")', 35, "line 3, column 7: expected ',' or ')', found \"z\""),
        ("in segmnt VIP", 4, "did you mean segment?"),
        ("has ticket", 5, "say which: open ticket, closed ticket or any ticket"),
        ("has 2 open tickets", 5, "'at least', 'at most' or 'exactly' 2"),
        ("consent to sms is refused", 19, "must be one of given, denied, unknown"),
        ("sum revenue over X > 5", 5, "expected 'of'"),
        ("sum of revenue over X in last 365 days", 39, "expected a comparison such as > 500"),
        ("number of X > 1.5", 13, "whole numbers"),
        ("number of X >= 0", 13, "everybody did it at least 0 times"),
        ("average of a over X down in last 3 days", 21, "only a sum or a number of events"),
        ("fewer X in last 90 days than in the 30 days before", 37, "both periods are equally long: 90 days"),
        ("fewer X in last 90 days", 24, "expected 'than in the 90 days before'"),
        ("last X 30 days ago", 8, "expected 'was'"),
        ("random 10 of people", 11, "expected '%'"),
        ("top 10% lifetime_value", 9, "expected 'by'"),
        ("top 101% by a", 5, "must be a number above 0, up to 100"),
        ("not " * 8 + "a = 1", 33, f"is nested more than {MAX_DEPTH} deep"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place_and_what_was_expected(text: str, place: int, says: str) -> None:
    with pytest.raises(TextError) as error:
        parse(text)
    assert (error.value.place, says in str(error.value)) == (place, True), str(error.value)


@pytest.mark.parametrize("text", ["not(" * 20_000, "(" * 50_000, "not " * 20_000, "all(" * 20_000, '{"not":' * 14_000])
def test_a_text_that_is_nested_without_end_is_refused(text: str) -> None:
    with pytest.raises(TextError, match=r"too deep|isn't JSON"):
        parse(text)


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(TextError, match="longer than 100,000"):
        parse("x" * (MAX_LENGTH + 1))
    with pytest.raises(TextError, match="at most 200"):
        parse(" or ".join(["a = 1"] * 201))


def test_a_long_rule_has_each_condition_on_its_own_line() -> None:
    rule = parse(
        'country = "ES" and (did "Order Completed" where category = "shoes" in last 90 days or not (score churn > 0.5 and has'
        ' email and did "Some event with a long name")) and birthday in next 7 days'
    )
    assert to_text(rule, wide=60) == "\n".join(
        [
            'country = "ES"',
            "and (",
            '  did "Order Completed" where category = "shoes" in last 90 days',
            "  or not (",
            "    score churn > 0.5",
            "    and has email",
            '    and did "Some event with a long name"',
            "  )",
            ")",
            "and birthday in next 7 days",
        ]
    )
    assert "\n" not in to_text(rule, wide=500)
    listed = parse('a = 1 and not country is any of ("ES", "PT")')
    assert to_text(listed, wide=25) == 'a = 1\nand not country is any of (\n  "ES",\n  "PT"\n)'


def test_what_differs_only_in_type_differs_in_text() -> None:
    said: list[Anything] = [1, 1.0, "1", True, "true"]
    texts = {to_text(Trait("a", "is", value)) for value in said}
    assert len(texts) == len(said)
    assert [to_json(parse(text)) for text in texts] == [{"trait": "a", "is": parse(text).value} for text in texts]  # type: ignore[union-attr]


def test_what_the_documentation_says_is_understood() -> None:
    """Every line of its ```rule blocks is written as an export writes it, and its table says the same in JSON and text."""
    page = (Path(__file__).parents[2] / "docs" / "segments.md").read_text()
    lines = [line for block in re.findall(r"```rule\n(.*?)```", page, re.DOTALL) for line in block.splitlines() if line]
    assert len(lines) > 30
    for line in lines:
        assert to_text(parse(line)) == line
    rows = re.findall(r"^\| \w+ \| `(\{[^`…]*\})`[^|`]*\| `([^`…]*)` \|$", page, re.MULTILINE)
    assert len(rows) >= 9
    for document, text in rows:
        assert repr(parse(document)) == repr(parse(text)), text
