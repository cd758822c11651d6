"""What of two people is compared, and how alike it can be: declarations for Splink, and the words for them on the page.

Levels are tried from the top, the first that holds counts. `m` is how often two records of one person stand at a level, as
experience has it: what training begins with, and what it leans on as long as the company has few examples of its own.
"""

from dataclasses import dataclass

SAME, CLOSE, DIFFERENT, UNKNOWN = "same", "close", "different", "unknown"


@dataclass(frozen=True)
class Level:
    """`key`: how it is stored; `kind`: SAME, CLOSE or DIFFERENT; `says`: for people; `sql`: DuckDB, of `x_l` and `x_r`."""

    key: str
    kind: str
    says: str
    sql: str
    m: float


@dataclass(frozen=True)
class Comparison:
    """`name` is also the column. `own`: says something of the person alone, not of a household."""

    name: str
    label: str
    levels: tuple[Level, ...]
    own: bool = False

    @property
    def missing(self) -> str:
        return f"{self.name}_l IS NULL OR {self.name}_r IS NULL"

    def level(self, key: str) -> Level | None:
        return next((level for level in self.levels if level.key == key), None)

    def at(self, *kinds: str) -> list[int]:
        """The numbers under which Splink has the levels of these kinds: the last one is 0."""
        top = len(self.levels) - 1
        return [top - place for place, level in enumerate(self.levels) if level.kind in kinds]


def _same(column: str, m: float) -> Level:
    return Level("same", SAME, "the same", f"{column}_l = {column}_r", m)


def _different(m: float) -> Level:
    return Level("different", DIFFERENT, "different", "ELSE", m)


def _edits(column: str, most: int) -> str:
    return f"damerau_levenshtein({column}_l, {column}_r) <= {most}"


def _alike(column: str, least: float) -> str:
    return f"jaro_winkler_similarity({column}_l, {column}_r) >= {least}"


def _name(column: str, label: str, other: str, *, own: bool) -> Comparison:
    swapped = f"{column}_l = {other}_r OR {other}_l = {column}_r"
    initial = f"least(length({column}_l), length({column}_r)) = 1 AND left({column}_l, 1) = left({column}_r, 1)"
    return Comparison(
        column, label,
        (
            _same(column, 0.70),
            Level("letter", CLOSE, "a letter or two differ", f"{_edits(column, 1)} OR {_alike(column, 0.92)}", 0.13),
            Level("swapped", CLOSE, "first and last name change places", swapped, 0.04),
            Level("initial", CLOSE, "the initial fits", initial, 0.02),
            Level("similar", CLOSE, "similar", _alike(column, 0.8), 0.04),
            _different(0.07),
        ),
        own,
    )  # fmt: skip


# A mistyped letter leaves the digits of an address as they are; ana.ferrer81 and ana.ferrer82 are two people.
_SAME_DIGITS = "regexp_replace(mail_l, '[^0-9]', '', 'g') = regexp_replace(mail_r, '[^0-9]', '', 'g')"
_LOCALS = ("split_part(mail_l, '@', 1)", "split_part(mail_r, '@', 1)")

COMPARISONS = (
    _name("first", "First name", "last", own=True),
    _name("last", "Last name", "first", own=False),
    Comparison(
        "birth", "Birth date",
        (
            _same("birth", 0.80),
            Level("digit", CLOSE, "a digit differs", _edits("birth", 1), 0.09),
            Level("digits", CLOSE, "two digits differ", _edits("birth", 2), 0.05),
            _different(0.06),
        ),
        own=True,
    ),
    Comparison(
        "mail", "E-mail",
        (
            _same("mail", 0.10),
            Level("letter", CLOSE, "a letter or two differ", f"{_edits('mail', 2)} AND {_SAME_DIGITS}", 0.35),
            Level("domain", CLOSE, "the same before the @", f"{_LOCALS[0]} = {_LOCALS[1]}", 0.15),
            Level(
                "similar", CLOSE, "similar before the @",
                f"jaro_winkler_similarity({_LOCALS[0]}, {_LOCALS[1]}) >= 0.92 AND {_SAME_DIGITS}", 0.10,
            ),
            _different(0.30),
        ),
        own=True,
    ),
    Comparison(
        "phone", "Phone",
        (
            _same("phone", 0.10),
            Level("digit", CLOSE, "a digit differs", _edits("phone", 1), 0.30),
            Level("digits", CLOSE, "two digits differ", _edits("phone", 2), 0.10),
            _different(0.50),
        ),
        own=True,
    ),
    Comparison(
        "street", "Street",
        (
            _same("street", 0.60),
            Level("letter", CLOSE, "a letter or two differ", f"{_alike('street', 0.92)} OR {_edits('street', 2)}", 0.15),
            Level("similar", CLOSE, "similar", f"jaccard(street_l, street_r) >= 0.8 OR {_alike('street', 0.8)}", 0.08),
            _different(0.17),
        ),
    ),
    Comparison(
        "number", "House number",
        (_same("number", 0.80), Level("digit", CLOSE, "a digit differs", _edits("number", 1), 0.08), _different(0.12)),
    ),
    Comparison(
        "city", "City",
        (
            _same("city", 0.75),
            Level("letter", CLOSE, "a letter or two differ", f"{_edits('city', 2)} OR {_alike('city', 0.9)}", 0.12),
            _different(0.13),
        ),
    ),
    Comparison(
        "postcode", "Postcode",
        (_same("postcode", 0.75), Level("digit", CLOSE, "a digit differs", _edits("postcode", 1), 0.10), _different(0.15)),
    ),
)  # fmt: skip

BY_NAME = {one.name: one for one in COMPARISONS}

# People of one household have their last name and address in common, and that says little of whether they are one: what
# does is their own (see `model.household`).
OWN = tuple(one.name for one in COMPARISONS if one.own)
HOUSEHOLD = ("last", "street")
# A pair with another first name or birth date is never joined by itself.
MUST_NOT_DIFFER = ("first", "birth")
