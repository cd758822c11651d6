"""`manage.py segments` and the doctor's questions about segments."""

import json
import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cdp_site import sql
from cdp_site.checks import run_all
from profiles.models import Profile
from segments import changes, fill, live
from segments.models import Membership, Segment
from segments.rules import Did, Events, InSegment, Last, Trait, days, from_json
from segments.text import parse
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


def imported(file: Path, *arguments: str) -> Any:
    return json.loads(run("import", str(file), "--json", *arguments))


def test_what_was_exported_imports_to_the_same(tmp_path: Path) -> None:
    changes.create("Spaniards", Trait("country", "is", "ES"), description="Who live in Spain.\r\n\r\n  Since 2026. ")
    changes.create("Buyers", Did(Events("Order Completed"), window=Last(days(60))), live=False)
    changes.create(' "Odd" \\ (live)', parse(f"country is any of ({', '.join(['12345678'] * 20)}) or has email"))
    file = tmp_path / "segments.txt"
    run("export", "--output", str(file))
    counts = {"made": 0, "changed": 0, "same": 3}
    assert imported(file) == counts | {"segments": {' "Odd" \\ (live)': "same", "Buyers": "same", "Spaniards": "same"}}
    Segment.objects.all().delete()
    assert imported(file).items() >= {"made": 3, "changed": 0, "same": 0}.items()
    assert run("export") == file.read_text()
    file.write_text(file.read_text().replace('"ES"', '"PT"').replace("(draft)", "(archived)"))
    assert imported(file).items() >= {"made": 0, "changed": 2, "same": 1}.items()
    assert from_json(Segment.objects.get(name="Spaniards").rule) == Trait("country", "is", "PT")
    assert Segment.objects.get(name="Buyers").status == Segment.Status.ARCHIVED


def test_an_export_reads_well_in_version_control() -> None:
    changes.create("VIP", parse("top 10% by lifetime_value"), description="The best.\n\nFor the team.", live=False)
    conditions = [
        'country = "ES"',
        'did "Order Completed" at least 3 times in last 60 days',
        "(has email or has phone)",
    ]
    changes.create("Loyal", parse(" and ".join([*conditions, 'in segment "VIP"'])))
    assert run("export") == (
        "# Loyal (live)\n"
        'country = "ES"\n'
        'and did "Order Completed" at least 3 times in last 60 days\n'
        "and (has email or has phone)\n"
        'and in segment "VIP"\n'
        "\n"
        "# VIP (draft)\n"
        "## The best.\n"
        "##\n"
        "## For the team.\n"
        "top 10% by lifetime_value\n"
    )
    listed = json.loads(run("export", "--json"))
    assert [(one["name"], one["status"]) for one in listed] == [("Loyal", "live"), ("VIP", "draft")]


def test_comments_are_read_over_and_segments_made_after_those_they_ask_for(tmp_path: Path) -> None:
    file = tmp_path / "segments.txt"
    file.write_text(
        "// Kept by the shop.\n"
        "# A (live)\n"
        'in segment "B"\n'
        "// and not for long\n"
        'and not in segment "C"\n'
        "# B (draft)\n"
        'in segment "C"\n'
        "# C (draft)\n"
        "country is missing\n"
    )
    said = run("import", str(file), "--dry-run")
    assert (
        said
        == "made     A\nmade     B\nmade     C\n3 made, 0 changed, 0 as they were; nothing was written, as this was a dry run\n"
    )
    assert not Segment.objects.exists()
    imported(file)
    made = {one.name: one.id for one in Segment.objects.all()}
    assert made["C"] < made["B"] < made["A"]
    assert "//" not in run("export")
    # The other way round: neither is refused because of what the other still says.
    file.write_text(
        '# C (draft)\nin segment "A"\n# A (live)\n## Now the first.\ncountry = "ES"\n# B (draft)\nin segment "C"\n'
    )
    assert "changed  A: rule and description\n" in run("import", str(file))
    assert from_json(Segment.objects.get(name="C").rule) == InSegment("A")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# One (live)\ntrait a is 1\n\n# Two (live)\n## About\ntrait a is\n",
         'line 6, column 11: the rule of "Two": expected a value'),
        ('# One (live)\na = 1\n# Two (live)\ncountry = "ES"\nand a between 3\n  and 1\n',
         'line 5, column 7: the rule of "Two": must begin with the lower value'),
        ("# One (live)\na = 1\n# Two (live)\n", 'line 4, column 1: the rule of "Two": expected a condition'),
        ('# One (live)\na = 1\n# Two (live)\n{"trait": "a"}', 'line 3: the rule of "Two": rule: needs exactly one of is'),
        ("a = 1\n", "line 1: a line '# NAME (live)' must come first"),
        ("# One (alive)\na = 1\n", "line 1: must be '# NAME (live)', (draft) or (archived)"),
        (f"# {'x' * 121} (live)\na = 1\n", "line 1: a name has 1 to 120 characters"),
        ("# One (live)\na = 1\n# One (draft)\na = 2\n", 'line 3: "One" was in line 1 already'),
        ('# One (live)\na = 1\nand in segment "Onne"\n',
         'line 3: the rule of "One" asks for the segment "Onne", which is neither here nor in the file; did you mean "One"?'),
        ('# There (archived)\na = 1\n# One (live)\nin segment "There"\n',
         "line 1: “There” can't be archived: “One” ask for it."),
    ],
)  # fmt: skip
def test_an_import_with_a_mistake_changes_nothing(tmp_path: Path, text: str, says: str) -> None:
    changes.create("There", Trait("a", "is", 1), live=False)
    file = tmp_path / "segments.txt"
    file.write_text(text)
    with pytest.raises(CommandError) as error:
        run("import", str(file))
    said = str(error.value)
    assert said.startswith(f"{file}, {says}") and said.endswith("; nothing was changed")
    assert [one.name for one in Segment.objects.all()] == ["There"]


def test_segments_that_ask_for_each_other_are_refused_with_the_way_round(tmp_path: Path) -> None:
    file = tmp_path / "segments.txt"
    changes.create("Three", Trait("a", "is", 1), live=False)
    file.write_text(
        '# One (live)\nin segment "Two"\n# Two (live)\nnot in segment "Three"\n# Three (draft)\nin segment "One"\n'
    )
    with pytest.raises(
        CommandError, match=r"ask for each other: (One → Two → Three → One|Two → Three → One → Two|Three → One)"
    ):
        run("import", str(file))
    assert [one.name for one in Segment.objects.all()] == ["Three"]


def test_segments_are_archived_when_nobody_asks_for_them_any_more(tmp_path: Path) -> None:
    file = tmp_path / "segments.txt"
    changes.create("VIP", Trait("a", "is", 1), live=False)
    changes.create("Asks", InSegment("VIP"), live=False)
    file.write_text('# Asks (draft)\na = 2\n# VIP (archived)\na = 1\n# New (archived)\nin segment "VIP"\n')
    assert imported(file)["segments"] == {"Asks": "changed", "VIP": "changed", "New": "made"}
    assert {one.name: one.status for one in Segment.objects.all()} == {
        "Asks": "draft",
        "VIP": "archived",
        "New": "archived",
    }
    assert imported(file)["same"] == 3


def test_a_rule_that_can_no_longer_be_read_is_named() -> None:
    changes.create("Old", Trait("a", "is", 1), live=False)
    Segment.objects.update(rule={"trait": "a"})
    with pytest.raises(CommandError, match="The rule of “Old” can't be read"):
        run("export")


def test_count_says_which_segment_is_not_there() -> None:
    with pytest.raises(CommandError, match="--rule: There is no segment “VIP”"):
        run("count", "--rule", 'in segment "VIP"')


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
    changes.create("Buyers", Did(Events("Order Completed"), window=Last(days(60))))
    while fill.go_on(NOW):
        pass
    live.follow(NOW)
    assert off() == set()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('# "a\\nb" (live)\ncountry exists', "line 1: a name can't have line breaks"),
        ('# "\\u200b" (live)\ncountry exists', "line 1: a name needs something that can be seen"),
        ('# "\\ud800" (live)\ncountry exists', "line 1: a name can't have line breaks or characters that nobody sees"),
        ("# A (live)\ncountry exists\n# a (live)\ncountry exists", 'line 3: "a" was in line 1 already'),
        ("# vip (live)\ncountry exists", 'line 1: there is a segment "VIP": write its name like that'),
        ("# A (live)\n## a\0b\ncountry exists", "line 2: holds a character that can't be stored"),
        (f"# A (live)\n## {'x' * 1001}\ncountry exists", "line 2: a description has at most 1,000 characters"),
    ],
)
def test_names_and_descriptions_that_the_builder_would_refuse_are_refused_with_their_line(
    tmp_path: Path, text: str, reason: str
) -> None:
    changes.create("VIP", Trait("vip", "is", True))
    file = tmp_path / "segments.txt"
    file.write_text(text)
    with pytest.raises(CommandError, match=re.escape(reason)):
        imported(file)
    assert Segment.objects.count() == 1
