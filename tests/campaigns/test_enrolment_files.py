"""Files of who is in which arm: how columns are guessed, what can't be taken and why, and the messages that come of them."""

import json
from datetime import UTC, datetime

import pytest

from campaigns.experiments import files
from campaigns.experiments.files import Chosen, Unreadable

KINDS = ["user_id", "loyalty_card", "email", "phone", "device_id", "anonymous_id", "member_no"]
CHOSEN = Chosen("letter", "Letter", "email", "email", "arm", "since", "2026-03-01T10:00", "holdout")
FILE = b"email,arm,since\nana@example.com,letter,2026-03-02\nben@example.com,holdout,\n"


def read(body: bytes, chosen: Chosen = CHOSEN) -> files.Summary:
    return files.summary(files.opened(body), chosen, "email")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("Email;Group;Date", ("Email", "email", "Group", "Date")),
        ("customer\tsegment", ("customer", "user_id", "segment", "")),
        ("variant,member_no", ("member_no", "member_no", "variant", "")),
        ("who,what", ("who", "user_id", "what", "")),
    ],
)
def test_columns_are_guessed_by_how_they_are_called(head: str, expected: tuple[str, str, str, str]) -> None:
    found = files.guessed(files.opened(head.encode() + b"\n"), KINDS)
    assert (found.identifier, found.kind, found.arm, found.since) == expected


@pytest.mark.parametrize("name", ["Control", "No E-Mail", "holdout", "Hold-out"])
def test_the_control_is_guessed_by_its_name(name: str) -> None:
    body = f"id,segment\n1,Mens E-Mail\n2,{name}\n".encode()
    assert files.guessed(files.opened(body), KINDS).control == name


def test_lines_say_who_is_in_which_arm_since_when() -> None:
    rows = list(files.rows(files.opened(FILE), CHOSEN, "email"))
    assert [(row.line, row.identifier, row.arm) for row in rows if isinstance(row, files.Enrolled)] == [
        (2, "ana@example.com", "letter"), (3, "ben@example.com", "holdout"),
    ]  # fmt: skip
    moments = [row.since.astimezone(UTC) for row in rows if isinstance(row, files.Enrolled)]
    # Without a zone it is the company's: Madrid's.
    assert moments == [datetime(2026, 3, 1, 23, tzinfo=UTC), datetime(2026, 3, 1, 9, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ana@example.com", "has 1 of 3 cells"),
        (",letter,", "email is empty"),
        ("ana@example.com, ,", "arm is empty"),
        ("ana,letter,", "email: 'ana' is no email"),
        ("ana@example.com,letter,yesterday", "since: 'yesterday' is no time"),
        ("ana@example.com,letter,31/01/2026", "since: '31/01/2026' is no time"),
        ("ana@example.com,letter,2100-01-01", "since: 2100-01-01 is yet to come"),
    ],
)
def test_a_line_that_cant_be_taken_is_left_out_and_says_why(line: str, why: str) -> None:
    found = read(FILE + line.encode() + b"\n")
    assert (found.taken, found.left_out) == (2, 1)
    assert found.problems[0].line == 4
    assert found.problems[0].reason.startswith(why)


def test_repeated_lines_and_people_in_two_arms_are_counted() -> None:
    found = read(FILE + b"ana@example.com,letter,\nben@example.com,letter,\n")
    assert (found.taken, found.repeated, found.several) == (4, 1, 1)
    assert found.arms == {"letter": 3, "holdout": 1}


def test_excels_files_can_be_read() -> None:
    body = "correo;arm\njosé@example.com;Señal\n".encode("cp1252")
    table = files.opened(body)
    assert [cells for _, cells in table.lines()] == [["josé@example.com", "Señal"]]
    assert files.opened(b"\xef\xbb\xbfemail,arm\n").head == ("email", "arm")
    assert files.opened("email\tarm\n".encode("utf-16")).head == ("email", "arm")


def test_a_column_that_is_there_twice_is_named() -> None:
    with pytest.raises(Unreadable, match="“arm” twice"):
        files.opened(b"email,arm,arm\n")


@pytest.mark.parametrize("body", [b"", b"email\n", b"email,email\n", b"PK\x03\x04\0\0", b"\n\n"])
def test_what_is_no_table_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(Unreadable):
        files.opened(body)


def test_a_line_break_in_quotes_and_a_quote_without_end_break_nothing() -> None:
    assert read(b'email,arm,since\n"ana@example.com","let\nter",\n').arms == {"let ter": 1}
    assert read(b'email,arm,since\n"ana@example.com,letter').taken == 0


def test_messages_follow_segments_specification_and_are_known_by_what_they_say() -> None:
    ana, ben = files.messages(files.opened(FILE), CHOSEN, "email")
    assert ben["event"] == "Experiment Viewed"
    assert ben["properties"] == {
        "experiment_id": "letter", "experiment_name": "Letter", "variation_id": "holdout", "variation_name": "holdout",
        "control": True,
    }  # fmt: skip
    assert ben["context"] == {"traits": {"email": "ben@example.com"}}
    assert "control" not in ana["properties"]
    assert json.dumps(ana)
    again = list(files.messages(files.opened(FILE), CHOSEN, "email"))
    assert again == [ana, ben]
    assert ana["messageId"] != ben["messageId"]


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        ("user_id", {"userId": "7"}),
        ("anonymous_id", {"anonymousId": "7"}),
        ("phone", {"context": {"traits": {"phone": "7"}}}),
        ("device_id", {"context": {"device": {"id": "7"}}}),
        ("member_no", {"context": {"externalIds": [{"type": "member_no", "id": "7"}]}}),
    ],
)
def test_each_kind_of_identifier_stands_where_messages_have_it(kind: str, who: dict[str, object]) -> None:
    chosen = Chosen("t", "T", "id", kind, "arm", "", "2026-03-01", "")
    found = next(iter(files.messages(files.opened(b"id,arm\n7,a\n"), chosen, "")))
    assert {key: found[key] for key in who} == who
