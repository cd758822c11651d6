"""Rules in plain English: one sentence that somebody who didn't make the rule understands."""

import pytest

from segments.describe import clause, describe
from segments.rules import All, Any
from segments.text import parse
from tests.segments.test_text import SAID


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('did "Order Completed" at least 3 times in last 60 days',
         "did “Order Completed” at least 3 times in the last 60 days"),
        ('did "X" where category = "shoes" and value > 50 in last 1 hour',
         "did “X” with category “shoes” and value above 50 in the last hour"),
        ('did not "Email Opened" in last 21 days', "did not do “Email Opened” in the last 21 days"),
        ('did "X" exactly 2 times', "did “X” exactly twice"),
        ('did "X" on sat, sun from 18:00 to 24:00',
         "did “X” on Saturdays and Sundays between 18:00 and 24:00"),
        ('did "X" between 2026-01-01 and 2026-03-31T12:00:00Z', "did “X” from 1 January 2026 to 31 March 2026 12:00 UTC"),
        ('did "Gym Visit" at least 3 times in first 7 days after first "Member Joined"',
         "did “Gym Visit” at least 3 times in the first 7 days after their first “Member Joined”"),
        ('did "X" since last "Y"', "did “X” since their last “Y”"),
        ('sum of revenue over "Order Completed" in last 365 days > 500',
         "whose revenue over “Order Completed” in the last 365 days adds up to more than 500"),
        ('average of value over "X" <= 1.5', "whose average value over “X” is at most 1.5"),
        ('highest of value over "X" < 3', "whose highest value over “X” is less than 3"),
        ('distinct values of category over "X" in last 30 days >= 3',
         "have at least 3 different values of category over “X” in the last 30 days"),
        ('fewer "X" in last 90 days than in the 90 days before',
         "did “X” less often in the last 90 days than in the 90 days before"),
        ('"Order Completed" down 30% in last 90 days against the 90 days before',
         "did “Order Completed” at least 30 % less often in the last 90 days than in the 90 days before"),
        ('sum of value over "X" up in last 1 day against the 1 day before',
         "whose value over “X” was higher in the last day than in the day before"),
        ('did "Product Viewed" then "Order Completed" within 7 days',
         "did “Product Viewed” and then “Order Completed” within 7 days"),
        ('did "A" then "B" then not "C" within 1 day in last 30 days',
         "did “A” and then “B” within 1 day, and no “C” after that in the same time, all in the last 30 days"),
        ('first "X" was in last 30 days', "did “X” for the first time in the last 30 days"),
        ('last "X" was over 30 days ago', "did “X” for the last time more than 30 days ago"),
        ('last "X" was before 2026-05-01', "did “X” for the last time before 1 May 2026"),
        ('vip = true', "have vip (yes)"),
        ('country != "ES"', "have country other than “ES” (or none)"),
        ('lifetime_value between 1000 and 2000.5', "have lifetime value from 1,000 to 2,000.5"),
        ('trial_ends is in next 10 days', "have trial ends in the next 10 days"),
        ('birthday in next 7 days', "have a birthday in the next 7 days"),
        ('birthday today', "have a birthday today"),
        ('joined has anniversary in next 1 day', "have an anniversary of joined today or tomorrow"),
        ('has email', "have an e-mail address"),
        ('not has email', "have no e-mail address"),
        ('has loyalty_card', "have an identifier of the kind loyalty card"),
        ('is anonymous', "are anonymous"),
        ('consent to email is given', "agreed to e-mail"),
        ('consent to sms is denied', "refused SMS"),
        ('consent to fax is unknown', "have said neither yes nor no to fax"),
        ('score churn > 0.7', "have a churn score above 0.7"),
        ('score churn is missing', "have no churn score"),
        ('has open ticket', "have an open ticket"),
        ('has no closed ticket where (priority = "high")', "have no closed ticket with priority “high”"),
        ('has at least 2 any deal records', "have at least 2 deals"),
        ('in segment "VIP"', "are in the segment “VIP”"),
        ('not in segment "VIP"', "are not in the segment “VIP”"),
        ('random 10% of people with salt spring', "are in a random 10 % of all people (draw “spring”)"),
        ('top 10% by lifetime_value', "are among the top 10 % by lifetime value"),
        ('top 100 people by score churn', "are among the top 100 people by churn score"),
        ('top 5% by sum of value over "X" in last 365 days',
         "are among the top 5 % by sum of value over “X” in the last 365 days"),
        ('top 5% by number of "X"', "are among the top 5 % by number of “X”"),
        # Groups: a 'who' comes again after a 'whose'.
        ('a = 1 and (b = 2 or did "X")', "have a 1 and (have b 2 or did “X”)"),
        ('a = 1 or b = 2 or not (c = 3 and did "X")',
         "have a 1, have b 2, or are not among those who (have c 3 and did “X”)"),
        ('sum of a over "X" > 1 and did "X" and has email',
         "whose a over “X” adds up to more than 1, who did “X”, and who have an e-mail address"),
        ('not lowest of a over "X" > 1', "are not among those whose lowest a over “X” is more than 1"),
    ],
)  # fmt: skip
def test_english(text: str, says: str) -> None:
    rule = parse(text)
    assert clause(rule) == says
    assert describe(rule) == f"People {says if says.startswith('whose') else f'who {says}'}."


def test_every_kind_of_condition_has_a_sentence_of_its_own() -> None:
    sentences = {describe(rule) for _, rule in SAID}
    # A rule of one condition is said like the condition.
    alone = sum(isinstance(rule, All | Any) and len(rule.conditions) == 1 for _, rule in SAID)
    assert len(sentences) >= len(SAID) - alone
