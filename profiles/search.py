"""Finding people: by a name, part of an e-mail, a phone number as spoken, an order number, any id.

Identifiers are looked up on their own and people by their ids then (never joined): on a cluster they live apart. Every
branch uses an index and is bounded; substrings are quick where the server has pg_trgm.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from cdp_site import asked, sql
from profiles.identifiers import EMAIL, EXTERNAL, PHONE
from profiles.whose import astray

MAX_QUERY = 100
MAX_WORDS = 8
_ENOUGH = 60  # candidates a branch


@dataclass(frozen=True)
class Found:
    """A person, and the identifier by which he was found where it isn't shown anyway. `email_is`, `phone_is`: what these
    are where they aren't simply the person's."""

    id: int
    name: str
    email: str
    phone: str
    identified: bool
    last_seen: datetime
    matched: str = ""
    email_is: str = ""
    phone_is: str = ""

    @property
    def title(self) -> str:
        return self.name or self.email or self.phone or f"Visitor {str(self.id)[-6:]}"


# Each branch says how good its hits are: 0 the very value, 1 its beginning, 2 somewhere in it.
_EXACT = """
SELECT profile_id, 0, value FROM identifier WHERE value = ANY(%(exact)s) LIMIT %(enough)s
"""
_PREFIX = """
SELECT profile_id, 1, value FROM identifier WHERE value LIKE %(prefix)s LIMIT %(enough)s
"""
_EMAIL = """
SELECT profile_id, 2, value FROM identifier WHERE value LIKE %(inside)s AND kind_id = %(email)s LIMIT %(enough)s
"""
_PHONE = """
SELECT profile_id, 1, value FROM identifier WHERE value LIKE %(digits)s AND kind_id = %(phone)s LIMIT %(enough)s
"""
# An id that a source gave has the source's type before it, which nobody types.
_EXTERNAL = """
SELECT profile_id, 0, value FROM identifier WHERE value LIKE %(after_type)s AND kind_id = %(external)s LIMIT %(enough)s
"""
# Each word is a condition of its own: an index can't be asked for ALL of an array.
_NAME = """
SELECT id, CASE WHEN lower(name) ~ %(beginning)s THEN 1 ELSE 2 END, '' FROM profile
WHERE {words} ORDER BY 2 LIMIT %(enough)s
"""
_NUMBER = """
SELECT profile_id, 1, kind || ' ' || external_id FROM record WHERE external_id LIKE %({spelling})s LIMIT %(enough)s
"""
_ID = """
SELECT id, 0, '' FROM profile WHERE id = %(id)s
UNION ALL SELECT profile_id, 0, 'merged ' || id FROM profile_redirect WHERE id = %(id)s
"""
# An address or number that a family shares leads to one of them; whoever else said it was theirs is meant as well.
_ALSO_SAID = """
(SELECT identifier.profile_id, link.other_value FROM identity_link AS link
 JOIN identifier ON identifier.kind_id = link.kind_id AND identifier.value = link.value
 WHERE link.other_kind_id = ANY(%(kinds)s::smallint[]) AND link.other_value = ANY(%(values)s)
   AND identifier.profile_id IS NOT NULL LIMIT %(enough)s)
UNION ALL
(SELECT identifier.profile_id, link.value FROM identity_link AS link
 JOIN identifier ON identifier.kind_id = link.other_kind_id AND identifier.value = link.other_value
 WHERE link.kind_id = ANY(%(kinds)s::smallint[]) AND link.value = ANY(%(values)s)
   AND identifier.profile_id IS NOT NULL LIMIT %(enough)s)
"""
_PEOPLE = "SELECT id, name, email, phone, identified, last_seen FROM profile WHERE id = ANY(%s::bigint[])"


_CALLED = re.compile(r"^(?:(?:order|ticket|deal|subscription)\s+)?(?:#\s*)?(?=\S)", re.IGNORECASE)


def people(query: str, limit: int = 20) -> list[Found]:
    """Up to `limit` people, the best hits first, among equals the last seen first. '' finds nobody."""
    typed = query.replace("\0", "").strip()[:MAX_QUERY]
    if not typed:
        return []
    hits: dict[int, tuple[int, str]] = {}
    branches, values = _branches(typed)
    for profile, rank, value in sql.rows(" UNION ALL ".join(f"({branch})" for branch in branches), values):
        if profile not in hits or rank < hits[profile][0]:
            hits[profile] = (rank, value)
    reachable = [value for _, value in hits.values() if "@" in value or value.startswith("+")]
    shared = {"kinds": [EMAIL, PHONE], "values": reachable, "enough": _ENOUGH}
    for profile, value in sql.rows(_ALSO_SAID, shared) if reachable else []:
        hits.setdefault(profile, (1, value))
    best = sorted(hits, key=lambda profile: hits[profile][0])[: 4 * limit]
    found = [_found(row, hits[row[0]][1]) for row in sql.rows(_PEOPLE, (best,))] if best else []
    found.sort(key=lambda one: (hits[one.id][0], -one.last_seen.timestamp()))
    return _marked(found[:limit])


def _branches(typed: str) -> tuple[list[str], dict[str, object]]:
    lowered = typed.lower()
    number = re.sub(r"\(0\)", "", typed)
    # As spoken: without the country, perhaps with the zero that is dialled before it.
    digits = re.sub(r"\D", "", number)
    dialled = digits.removeprefix("00").lstrip("0")
    values: dict[str, object] = {
        "exact": [typed, lowered, typed.upper(), re.sub(r"[\s-]", "", typed).upper(), f"+{digits}"],
        "prefix": f"{_literal(typed)}%",
        "inside": f"%{_literal(lowered)}%",
        "digits": f"%{dialled}%",
        "after_type": f"%:{_literal(typed)}",
        "email": EMAIL,
        "phone": PHONE,
        "external": EXTERNAL,
        "enough": _ENOUGH,
    }
    branches = [_EXACT, _EXTERNAL]
    if len(dialled) >= 5 and not re.search(r"[^\d\s+()./\-]", number):
        branches.append(_PHONE)
    # '#4411', 'order E017': as pages and people write it, in capitals or not.
    spoken = _CALLED.sub("", typed)
    if len(spoken) >= 3:
        for place, spelling in enumerate(sorted({spoken, spoken.upper(), spoken.lower()})):
            values[f"number{place}"] = f"{_literal(spelling)}%"
            branches.append(_NUMBER.format(spelling=f"number{place}"))
    if len(typed) >= 3:
        branches.append(_PREFIX)
        if not re.search(r"\s", typed):
            branches.append(_EMAIL)
    words = [word for word in (one.strip(",;") for one in lowered.split()) if word][:MAX_WORDS]
    if re.search(r"[^\W\d_]", typed):
        values |= {f"word{place}": _accented(word) for place, word in enumerate(words)}
        values["beginning"] = f"^{_accented(lowered)}"
        branches.append(
            _NAME.format(words=" AND ".join(f"lower(name) ~ %(word{place})s" for place in range(len(words))))
        )
    if typed.isdecimal() and len(typed) <= 19 and int(typed) < 2**63:
        values["id"] = int(typed)
        branches.append(_ID)
    return branches, values


def _literal(text: str) -> str:
    """Text in a LIKE pattern as itself."""
    return re.sub(r"([\\%_])", r"\\\1", text)


_PLAIN = str.maketrans("øłđı", "oldi")


def _bare(letter: str) -> str:
    """A letter without its accents."""
    return unicodedata.normalize("NFD", letter)[0].translate(_PLAIN)


_ACCENTED: dict[str, str] = {}
for _letter in map(chr, range(0xDF, 0x180)):
    if _letter.islower() and "a" <= _bare(_letter) <= "z":
        _ACCENTED[_bare(_letter)] = _ACCENTED.get(_bare(_letter), "") + _letter


def _accented(word: str) -> str:
    """A regular expression for text in lower case as it is typed, with accents or without.

    In a word of three letters at most one is taken to have another accent: of more an index on trigrams knows nothing.
    """
    letters = [_bare(letter) for letter in unicodedata.normalize("NFC", word)]
    classes = [f"[{one}{_ACCENTED[one]}]" if one in _ACCENTED else re.escape(one) for one in letters]
    if len(letters) > 3:
        return "".join(classes)
    plain = [re.escape(one) for one in letters]
    either = ["".join([*plain[:place], one, *plain[place + 1 :]]) for place, one in enumerate(classes)]
    return f"({'|'.join([re.escape(word), *either])})"


def _found(row: tuple[int, str, str, str, bool, datetime], matched: str) -> Found:
    id, name, email, phone, identified, last_seen = row
    return Found(id, name, email, phone, identified, last_seen, "" if matched in (email, phone) else matched)


def _marked(people: list[Found]) -> list[Found]:
    """With what their e-mails and phones are by now, where that is another's or several claim it."""
    marks = astray((one.id, one.email, one.phone) for one in people)

    def says(id: int, kind: int) -> str:
        mark = marks.get(id, {}).get(kind)
        return mark.says if mark else ""

    return [replace(one, email_is=says(one.id, EMAIL), phone_is=says(one.id, PHONE)) for one in people]


@dataclass(frozen=True)
class Page:
    people: list[Found]
    # Where the next page begins; None on the last.
    following: str | None


_LIST = """
SELECT id, name, email, phone, identified, last_seen FROM profile
WHERE (last_seen, id) < (%s::timestamptz, %s::bigint) AND (%s::boolean IS NULL OR identified = %s::boolean)
ORDER BY last_seen DESC, id DESC LIMIT %s
"""


def recent(after: str = "", *, identified: bool | None = None, size: int = 50) -> Page:
    """People by when they were last seen, a page from the cursor `after` on.

    Cost: a sort of all profiles on the first page (10 ms a hundred thousand); no index on a column that every event
    changes.
    """
    moment, id = asked.cursor(after)
    rows = sql.rows(_LIST, (moment, id, identified, identified, size + 1))
    found = [_found(row, "") for row in rows[:size]]
    following = f"{found[-1].last_seen.isoformat()},{found[-1].id}" if len(rows) > size else None
    return Page(_marked(found), following)


def living(id: int) -> int | None:
    """The living profile that an id leads to now; None when there never was one."""
    rows: Iterable[tuple[int]] = sql.rows(
        "SELECT id FROM profile WHERE id = %s UNION ALL SELECT profile_id FROM profile_redirect WHERE id = %s", (id, id)
    )
    return next((row[0] for row in rows), None)
