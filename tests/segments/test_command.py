"""`manage.py segments` and the doctor's questions about segments."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from cdp_site import sql
from cdp_site.checks import run_all
from profiles.models import Profile
from segments import changes, fill, live
from segments.models import Membership, Segment
from segments.rules import Did, Trait, days, from_json
from segments.text import TextError, parse, to_text
from tests.segments.world import NOW, changed, happened, person

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("segments", *arguments, stdout=out)
    return out.getvalue()


def test_count_takes_text_or_json_and_a_moment() -> None:
    ana = person(country="ES")
    person(country="FR")
    happened(ana, "Order Completed", NOW)
    text = 'all(did "Order Completed" at least 1 time in 60 days, trait country is "es")'
    found = json.loads(run("count", "--rule", text, "--at", NOW.isoformat(), "--json"))
    assert (found["count"], found["of"]) == (1, 2)
    assert set(found) == {"count", "of", "milliseconds"}
    later = (NOW + timedelta(days=60)).isoformat()
    assert json.loads(run("count", "--rule", text, "--at", later, "--json"))["count"] == 0
    assert "1 of 2 people (50.0%)" in run("count", "--rule", '{"trait": "country", "is": "ES"}')


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--rule", "trait country is"), "--rule: at character 17: expected a value"),
        (("--rule", '{"trait": "a"}'), "--rule: rule: needs exactly one of"),
        (("--rule", '{"trait"'), "isn't JSON"),
        (("--rule", "trait a exists", "--at", "yesterday"), "--at: 'yesterday' is no moment"),
        (("--rule", "did X in 60 days", "--at", "0001-01-01"), "--at: '0001-01-01' is too far away"),
        (("--rule", "did X in 60 days", "--at", "9999-12-31T23:59:59-14:00"), "is too far away"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(CommandError) as error:
        run("count", *arguments)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ('did "Order Completed" at least 3 times in last 60 days', 'did "Order Completed" at least 3 times in 60 days'),
        ('did Bought where category = "shoes" and value > 50 in the last 2 hours',
         'did "Bought" where category is "shoes" and value greater 50 at least 1 time in 2 hours'),
        ('DID NOT "Email Opened" in 21 days', 'did not "Email Opened" in 21 days'),
        ('trait a != "x"', 'trait a is not "x"'),
        ('any(\n  trait "a b" starts with "\\"ñ",\n  not(trait joined in the last 7 days)\n)',
         'any(trait "a b" starts with "\\"ñ", not(trait joined in last 7 days))'),
    ],
)  # fmt: skip
def test_text_may_be_written_more_freely(text: str, same_as: str) -> None:
    assert to_text(parse(text)) == same_as


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("did X at least", 15),
        ("all(trait a is 1", 17),
        ("trait a is 'b'", 12),
        ("not trait a is 1", 5),
        ("did X ever more", 12),
    ],
)  # fmt: skip
def test_a_mistake_in_a_text_has_its_place(text: str, place: int) -> None:
    with pytest.raises(TextError) as error:
        parse(text)
    assert error.value.place == place


def test_a_text_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(TextError, match="deep"):
        parse("not(" * 20_000)


def test_what_was_exported_imports_to_the_same(tmp_path: Path) -> None:
    changes.create("Spaniards", Trait("country", "is", "ES"), description="Who live in Spain.\n\nSince 2026.")
    changes.create("Buyers", Did("Order Completed", where=(), within=days(60)), live=False)
    file = tmp_path / "segments.txt"
    run("export", "--output", str(file))
    assert json.loads(run("import", str(file), "--json")) == {"made": 0, "changed": 0, "same": 2}
    Segment.objects.all().delete()
    assert json.loads(run("import", str(file), "--json")) == {"made": 2, "changed": 0, "same": 0}
    assert run("export") == file.read_text()
    file.write_text(file.read_text().replace('"ES"', '"PT"').replace("(draft)", "(archived)"))
    assert json.loads(run("import", str(file), "--json")) == {"made": 0, "changed": 2, "same": 0}
    assert from_json(Segment.objects.get(name="Spaniards").rule) == Trait("country", "is", "PT")


def test_an_import_with_a_mistake_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "segments.txt"
    file.write_text("# One (live)\ntrait a is 1\n\n# Two (live)\ntrait a is\n")
    with pytest.raises(CommandError, match=r'line 4: the rule of "Two": at character 11.*nothing was changed'):
        run("import", str(file))
    assert not Segment.objects.exists()


def test_a_file_that_cannot_be_read_or_written_is_told_in_one_line(tmp_path: Path) -> None:
    nowhere, noise = tmp_path / "nowhere" / "segments.txt", tmp_path / "noise"
    noise.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match=r"can't be written: No such file or directory\."):
        run("export", "--output", str(nowhere))
    with pytest.raises(CommandError, match=r"can't be read: No such file or directory\."):
        run("import", str(nowhere))
    with pytest.raises(CommandError, match="is no text in UTF-8"):
        run("import", str(noise))


def off() -> set[str]:
    return {one.name for one in run_all() if not one.ok and ("segment" in one.name or "membership" in one.name)}


def test_doctor_finds_what_is_wrong_with_memberships() -> None:
    ana, ben = person(country="ES"), person(country="FR")
    one = changes.create("Spaniards", Trait("country", "is", "ES"))
    assert off() == set()
    while fill.go_on():
        pass
    live.follow()
    assert off() == set()
    Profile.objects.filter(id=ben).update(traits={"country": "ES"})
    assert off() == {"membership equals a full evaluation"}
    changed(ben)
    assert off() == set()
    live.follow()
    Membership.objects.filter(profile_id=ana).delete()
    assert off() == {"membership equals a full evaluation", "segments' sizes add up"}
    Profile.objects.filter(id=ben).delete()
    assert "members of segments are living people" in off()
    sql.rows("UPDATE segment SET status = 'draft' WHERE id = %s RETURNING 1", (one.id,))
    assert "members of segments are living people" in off()


def test_doctor_does_not_blame_what_only_time_has_changed_since() -> None:
    ana = person()
    happened(ana, "Order Completed", NOW, queued=False)
    changes.create("Buyers", Did("Order Completed", within=days(60)))
    while fill.go_on(NOW):
        pass
    live.follow(NOW)
    assert off() == set()
