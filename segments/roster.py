"""The members of a segment with the columns that somebody chose: a sorted page at a time, or all of them as CSV."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any as Anything
from typing import LiteralString

from django.utils import timezone

from cdp_site import asked, sql
from segments.models import Segment

PAGE = 50
BATCH = 5_000
MOST_COLUMNS = 20
LONGEST_SHOWN = 80  # characters of a trait's value in a list
TRAIT = "trait:"
# What a member has besides traits: the key in addresses, its words, and by what it is sorted.
COLUMNS: dict[str, str] = {
    "name": "Name",
    "email": "E-mail",
    "phone": "Phone",
    "last_seen": "Last seen",
    "first_seen": "First seen",
    "since": "Member since",
}
TIMES = frozenset({"last_seen", "first_seen", "since"})
PERSON = "name"  # always there, and first: the link to the person
DEFAULT = (PERSON, "email", "last_seen", "since")
NEWEST = "-since"


@dataclass(frozen=True)
class Column:
    """A column: one of `COLUMNS`, or 'trait:' with a trait's name."""

    key: str

    @property
    def trait(self) -> str:
        return self.key.removeprefix(TRAIT) if self.key.startswith(TRAIT) else ""

    @property
    def is_time(self) -> bool:
        return self.key in TIMES

    @property
    def label(self) -> str:
        return COLUMNS.get(self.key) or self.trait.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Member:
    id: int
    since: datetime
    name: str
    email: str
    phone: str
    last_seen: datetime
    first_seen: datetime
    traits: dict[str, Anything]

    @property
    def title(self) -> str:
        return self.name or self.email or f"Visitor {str(self.id)[-6:]}"

    def value(self, column: Column) -> Anything:
        """What the column shows: text, a time, or a trait's value; None where there is nothing."""
        return _trait(self.traits, column.trait) if column.trait else getattr(self, column.key) or None

    def cells(self, columns: Sequence[Column]) -> list[tuple[Column, Anything]]:
        return [(column, self.value(column)) for column in columns]


@dataclass(frozen=True)
class Order:
    """By which column, and whether the highest come first."""

    column: Column
    descending: bool

    @property
    def text(self) -> str:
        return f"{'-' if self.descending else ''}{self.column.key}"


@dataclass(frozen=True)
class Listed:
    members: list[Member]
    following: str | None


def columns(chosen: Sequence[str]) -> tuple[Column, ...]:
    """The columns that were asked for, each once, the name first; the usual ones where none was asked for."""
    wanted = dict.fromkeys([PERSON, *(asked.words(key) for key in chosen)] if chosen else DEFAULT)
    found = tuple(Column(key) for key in wanted if key in COLUMNS or (len(key) > len(TRAIT) and key.startswith(TRAIT)))
    return found[:MOST_COLUMNS]


def order(text: str | None) -> Order:
    """'name', '-since': by which column, a minus for the highest first; who came last first for all else."""
    wanted = asked.words(text)
    key = wanted.removeprefix("-")
    if key in COLUMNS or (key.startswith(TRAIT) and key != TRAIT):
        return Order(Column(key), wanted.startswith("-"))
    return Order(Column("since"), True)


# By which expression each column is sorted, of which type, and what says that there is a value: who has none is always at
# the end. Never NULL, so that a row of values can be compared. Of a trait: JSON's own order, numbers by size.
_KEYS: dict[str, tuple[LiteralString, LiteralString, LiteralString]] = {
    "since": ("membership.since", "timestamptz", ""),
    "name": ("lower(profile.name)", "text", "profile.name <> ''"),
    "email": ("profile.email", "text", "profile.email <> ''"),
    "phone": ("profile.phone", "text", "profile.phone <> ''"),
    "last_seen": ("profile.last_seen", "timestamptz", ""),
    "first_seen": ("profile.first_seen", "timestamptz", ""),
}
_VALUE: LiteralString = (
    "coalesce(profile.traits -> %(trait)s::text, profile.traits #> string_to_array(%(trait)s::text, '.'), 'null')"
)
_OF_TRAIT: tuple[LiteralString, LiteralString, LiteralString] = (_VALUE, "jsonb", f"{_VALUE} <> 'null'")
_JOINED: LiteralString = """
FROM membership JOIN profile ON profile.id = membership.profile_id WHERE membership.segment_id = %(segment)s
"""
_VALUES: LiteralString = """
SELECT membership.profile_id, membership.since, profile.name, profile.email, profile.phone, profile.last_seen,
       profile.first_seen, profile.traits::text
"""


def members(segment: Segment, by: Order, after: str = "", most: int = PAGE) -> Listed:
    """A page of members, and where the next one begins ('' where this is the last).

    Cost: by 'since' an index range; by anything else all members once, with those of the page kept (about 0.2 s for
    100,000 members). The page before is found again by its last person, so nothing is skipped when people come and go.
    """
    key, kind, present = _KEYS.get(by.column.key, _OF_TRAIT)
    way: LiteralString = "DESC" if by.descending else "ASC"
    ends: LiteralString = "" if not present else f"({present}), " if by.descending else f"(NOT ({present})), "
    parameters: dict[str, Anything] = {"segment": segment.pk, "trait": by.column.trait, "most": most + 1}
    last = _last(by, key, present, after)
    going_on: LiteralString = ""
    if last is not None:
        parameters |= {"key": last[0], "there": last[1] == by.descending, "id": last[2]}
        after_that = f"{'%(there)s, ' if present else ''}%(key)s::{kind}, %(id)s::bigint"
        going_on = f"AND ({ends}{key}, membership.profile_id) {'<' if by.descending else '>'} ({after_that})"
    sorted_by = ", ".join(f"{one} {way}" for one in (ends.removesuffix(", "), key, "membership.profile_id") if one)
    query = f"{_VALUES}{_JOINED}{going_on} ORDER BY {sorted_by} LIMIT %(most)s"
    found = [_member(row) for row in sql.rows(query, parameters)]
    following = None
    if len(found) > most:
        end = found[most - 1]
        following = f"{end.since.isoformat()},{end.id}" if by.column.key == "since" else str(end.id)
    return Listed(found[:most], following)


def _last(by: Order, key: LiteralString, present: LiteralString, after: str) -> tuple[Anything, bool, int] | None:
    """What the person has by whom a page ended: sorted value, whether there is one, id. None for the beginning, or where
    they are gone."""
    if by.column.key == "since":
        at, id = asked.cursor(after)
        return None if at == "infinity" else (at, True, id)
    number = asked.whole(after)
    if number is None:
        return None
    parameters = {"id": number, "trait": by.column.trait}
    found = sql.rows(f"SELECT ({key})::text, {present or 'true'} FROM profile WHERE id = %(id)s", parameters)
    return (*found[0], number) if found else None


def everyone(segment: Segment, chosen: Sequence[Column]) -> Iterator[str]:
    """All members as CSV, who came last first, some thousand people at a time: memory is bounded, no transaction is held.

    Who enters meanwhile isn't in it; who leaves before their turn isn't either.
    """
    yield _line(["profile_id", *(column.trait or column.key for column in chosen)])
    by, after = order(NEWEST), ""
    while True:
        page = members(segment, by, after, BATCH)
        yield "".join(_line([one.id, *(_written(one.value(column)) for column in chosen)]) for one in page.members)
        if page.following is None:
            return
        after = page.following


def _member(row: tuple[Anything, ...]) -> Member:
    id, since, name, email, phone, last_seen, first_seen, text = row
    traits = json.loads(text)
    known = traits if isinstance(traits, dict) else {}
    return Member(id, since, name, email, phone, last_seen, first_seen, known)


def _trait(traits: dict[str, Anything], name: str) -> Anything:
    """A trait's value; of a name with dots what is inside, where no trait is called so."""
    if name in traits:
        return traits[name]
    found: Anything = traits
    for part in name.split("."):
        if isinstance(found, list):
            found = [one[part] for one in found if isinstance(one, dict) and part in one] or None
        else:
            found = found.get(part) if isinstance(found, dict) else None
    return found


def _line(values: Sequence[Anything]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


# A spreadsheet takes a cell that begins so for a formula. A number (a phone's too) is none.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9][0-9 ().-]*")


def _written(value: Anything) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
