"""The builder's buttons do what they say, and the field for a new condition understands names, phrases and the language."""

from dataclasses import replace

import pytest

from segments import builder
from segments.builder import (
    ChangedDraft,
    ConsentDraft,
    DidDraft,
    EventsDraft,
    FilterDraft,
    GroupDraft,
    KnownDraft,
    MomentDraft,
    RecordsDraft,
    SampleDraft,
    ScoreDraft,
    SegmentDraft,
    SequenceDraft,
    TopDraft,
    TotalDraft,
    TraitDraft,
    Vocabulary,
    WindowDraft,
    understand,
)
from segments.catalog import EventSeen, IdentifierSeen, RecordSeen, Seen
from segments.rules import All
from segments.suggest import Names, SegmentSeen, Suggestions
from segments.text import parse

BOUGHT, SPANISH = DidDraft(events=EventsDraft("Order Completed")), TraitDraft(name="country", value="ES")


def group(*items: builder.Draft, how: str = "all") -> GroupDraft:
    return GroupDraft(how, items)


KNOWN = Vocabulary(
    events=["Order Completed", "Viewed (web)", "Paid"], traits=["country", "lifetime_value"], records=["ticket"],
    identifiers=["email", "user_id"], segments=["VIP"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        ("did Order Completed", BOUGHT),
        ("did order completed", BOUGHT),
        ("did not Email Opened", DidDraft("not", EventsDraft("Email Opened"))),
        ("DID Paid", DidDraft(events=EventsDraft("Paid"))),
        ("did Viewed (web)", DidDraft(events=EventsDraft("Viewed (web)"))),
        ("trait country", TraitDraft(name="country")),
        ("Country", TraitDraft(name="country")),
        ("order completed", BOUGHT),
        ("country is ES", TraitDraft(name="country", value="ES")),
        ("country is not ES", TraitDraft(name="country", op="is_not", value="ES")),
        ("Something new", DidDraft(events=EventsDraft("Something new"))),
        ("any of these", group(how="any")),
        ("none of these", group(how="none")),
        ("has open ticket", RecordsDraft(name="ticket")),
        ("has no open ticket", RecordsDraft("not", name="ticket")),
        ("has ticket", RecordsDraft(state="any", name="ticket")),
        ("has e-mail", KnownDraft(name="email")),
        ("has no user id", KnownDraft("not", "user_id")),
        ("is not anonymous", KnownDraft("not", "anonymous")),
        ("consent to sms", ConsentDraft(channel="sms")),
        ("score churn", ScoreDraft(name="churn")),
        ("in segment VIP", SegmentDraft(name="VIP")),
        ("not in segment VIP", SegmentDraft("not", "VIP")),
        ("fewer Order Completed than before", ChangedDraft(events=EventsDraft("Order Completed"))),
        ("less order completed than before", ChangedDraft(events=EventsDraft("Order Completed"))),
        ("more Paid than before", ChangedDraft(direction="more", events=EventsDraft("Paid"))),
        ("first time Paid", MomentDraft(events=EventsDraft("Paid"))),
        ("last time Paid", MomentDraft(which="last", events=EventsDraft("Paid"))),
        ("Paid then", SequenceDraft(steps=(EventsDraft("Paid"), EventsDraft()))),
        ("Paid then Order Completed", SequenceDraft(steps=(EventsDraft("Paid"), EventsDraft("Order Completed")))),
        ("sum over Paid", TotalDraft(events=EventsDraft("Paid"), window=WindowDraft("last", "30", "days"))),
        ("sample 5 %", SampleDraft(percent="5")),
        ("top 10 %", TopDraft()),
        ("top 50 people by lifetime_value", TopDraft(number="50", unit="people", name="lifetime_value")),
    ],
)
def test_the_field_for_a_new_condition_understands(said: str, becomes: builder.Draft) -> None:
    assert understand(said, KNOWN).draft == becomes


@pytest.mark.parametrize(
    "text",
    [
        'did "Order Completed" at least 3 times in last 60 days',
        'did "Order Completed" where category = "shoes" and value > 50 in last 90 days',
        'did not "Email Opened" in last 21 days',
        'sum of revenue over "Order Completed" in last 365 days > 500',
        'fewer "Order Completed" in last 90 days than in the 90 days before',
        'did "Product Viewed" then "Order Completed" within 7 days',
        'did "Gym Visit" at least 3 times in first 7 days after first "Member Joined"',
        'country = "ES" and lifecycle is any of ("active", "slipping") and birthday in next 7 days',
        'has open ticket and not in segment "VIP" and (score churn > 0.7 or top 10% by lifetime_value)',
    ],
)
def test_the_field_for_a_new_condition_understands_the_rule_language(text: str) -> None:
    draft = understand(text, KNOWN).draft
    assert draft is not None
    assert builder.check(group(draft)).rule == All((parse(text),))


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        (
            "did Order Completed at least 3 times in last 60 days",
            'did "Order Completed" at least 3 times in last 60 days',
        ),
        ("order completed in last 30 days", 'did "Order Completed" in last 30 days'),
        ("did not Paid in last 7 days", 'did not "Paid" in last 7 days'),
    ],
)
def test_a_name_that_has_arrived_needs_no_quotes_in_a_sentence(typed: str, written: str) -> None:
    draft = understand(typed, KNOWN).draft
    assert draft is not None
    assert builder.check(group(draft)).rule == All((parse(written),))


@pytest.mark.parametrize(
    "text",
    [
        "lifetime_value between 5 and 1",
        "random 101% of people",
        "signup before 9999-99-99",
        "did Bought shoes at least 3 times",
    ],
)
def test_a_sentence_that_says_something_else_never_becomes_the_name_of_an_event(text: str) -> None:
    answer = understand(text, KNOWN)
    assert answer.draft is None and answer.reason


def test_what_is_not_understood_is_answered_with_its_place() -> None:
    answer = understand('country = "ES', KNOWN)
    assert answer.draft is None
    assert "character" in answer.reason


NESTED = group(BOUGHT, group(SPANISH, BOUGHT, how="none"), SPANISH)


@pytest.mark.parametrize(
    ("act", "becomes"),
    [
        ("remove r.0", group(SPANISH)),
        ("down r.0", group(SPANISH, BOUGHT)),
        ("up r.1", group(SPANISH, BOUGHT)),
        ("up r.0", group(BOUGHT, SPANISH)),
        ("down r.1", group(BOUGHT, SPANISH)),
        ("wrap r.0", group(group(BOUGHT, how="any"), SPANISH)),
        ("copy r.0", group(BOUGHT, BOUGHT, SPANISH)),
        ("group r", group(BOUGHT, SPANISH, group(how="any"))),
        ("move r.0 r 2", group(SPANISH, BOUGHT)),
        ("move r.1 r 0", group(SPANISH, BOUGHT)),
        ("filter r.0 events", group(replace(BOUGHT, events=replace(BOUGHT.events, where=(FilterDraft(),))), SPANISH)),
        ("hours r.0 events", group(replace(BOUGHT, events=replace(BOUGHT.events, timed="yes")), SPANISH)),
        ("filter r.1 events", group(BOUGHT, SPANISH)),
        ("filter r.0 window", group(BOUGHT, SPANISH)),
        ("remove r", group(BOUGHT, SPANISH)),
        ("remove r.7", group(BOUGHT, SPANISH)),
        ("remove r.0.1", group(BOUGHT, SPANISH)),
        ("out r.0", group(BOUGHT, SPANISH)),
        ("into r.0", group(BOUGHT, SPANISH)),
        ("move r.0 r.1 0", group(BOUGHT, SPANISH)),
        ("explode r.0", group(BOUGHT, SPANISH)),
        ("remove r.²", group(BOUGHT, SPANISH)),
        ("remove", group(BOUGHT, SPANISH)),
        ("move r.0", group(BOUGHT, SPANISH)),
        ("²", group(BOUGHT, SPANISH)),
    ],
)
def test_a_button_does_its_one_thing(act: str, becomes: GroupDraft) -> None:
    assert builder.act(group(BOUGHT, SPANISH), act) == becomes


@pytest.mark.parametrize(
    ("act", "becomes"),
    [
        ("remove r.1.0", group(BOUGHT, group(BOUGHT, how="none"), SPANISH)),
        ("out r.1.0", group(BOUGHT, group(BOUGHT, how="none"), SPANISH, SPANISH)),
        ("into r.0", group(group(BOUGHT, SPANISH, BOUGHT, how="none"), SPANISH)),
        ("into r.2", group(BOUGHT, group(SPANISH, BOUGHT, SPANISH, how="none"))),
        ("move r.0 r.1 1", group(group(SPANISH, BOUGHT, BOUGHT, how="none"), SPANISH)),
        ("move r.1.0 r 0", group(SPANISH, BOUGHT, group(BOUGHT, how="none"), SPANISH)),
        ("move r.1 r 0", group(group(SPANISH, BOUGHT, how="none"), BOUGHT, SPANISH)),
        ("move r.1 r.1 0", NESTED),
    ],
)
def test_conditions_move_between_groups(act: str, becomes: GroupDraft) -> None:
    assert builder.act(NESTED, act) == becomes


def test_a_sequence_gains_and_loses_steps() -> None:
    first = group(SequenceDraft(steps=(EventsDraft("A"), EventsDraft("B"))))
    longer = builder.act(first, "step r.0")
    assert [step.name for step in longer.items[0].steps] == ["A", "B", ""]  # type: ignore[union-attr]
    assert builder.act(longer, "unstep r.0 2") == first
    assert builder.act(first, "unstep r.0 0") == first
    denied = builder.act(first, "without r.0")
    assert builder.act(denied, "unwithout r.0") == first
    assert builder.act(denied, "filter r.0 without0") != denied
    full = first
    for _ in range(9):
        full = builder.act(full, "step r.0")
    assert len(full.items[0].steps) == 5  # type: ignore[union-attr]


def test_every_suggestion_is_understood_as_what_it_says() -> None:
    events = [
        EventSeen("Order Completed", "track", 12),
        EventSeen("Viewed (web)", "page", 3),
        EventSeen("Then, maybe", "track", 0),
    ]
    traits = Names("trait-values", [Seen("country", "text", 0.9, ("ES",)), Seen("age (years)", "number", 0.1, ())])
    segments = [SegmentSeen("VIP", 12), SegmentSeen("Buyers (all)", 3)]
    offered = Suggestions(
        events,
        traits,
        [RecordSeen("ticket", 5, 2)],
        [IdentifierSeen("email", "E-mail")],
        segments,
        ["email"],
        ["churn"],
        {},
        {},
    )
    known = offered.vocabulary()
    phrases = offered.phrases()
    assert len({phrase.text for phrase in phrases}) == len(phrases)
    assert phrases[0].beside == "12 times"
    for phrase in phrases:
        draft = understand(phrase.text, known).draft
        assert draft is not None, phrase
        named = [event.name for event in events if event.name in phrase.text]
        said = str(draft)
        assert all(name in said for name in named), (phrase, draft)
        if phrase.text.startswith(("did ", "trait ", "in segment ", "not in segment ")):
            assert (
                phrase.text.partition(" ")[2].removeprefix("not ").removeprefix("in segment ").removeprefix("segment ")
                in said
            )
        checked = builder.check(group(draft))
        assert set(checked.errors) == set(checked.gaps), (phrase, checked)
