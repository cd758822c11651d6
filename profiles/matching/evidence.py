"""Two people side by side, comparison by comparison: what each is called, how alike that is, and what it weighs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from profiles.matching import columns
from profiles.matching.comparisons import BY_NAME, CLOSE, COMPARISONS, UNKNOWN, Comparison
from profiles.models import Profile

# (text, whether it differs)
Piece = tuple[str, bool]
# Weights within this many bits of nothing say nothing.
_NOTHING = 0.5


@dataclass(frozen=True)
class Row:
    """`kind`: same, close, different or unknown; `says`: in words; `weight`: bits for (or against) one person."""

    label: str
    one: Sequence[Piece]
    other: Sequence[Piece]
    kind: str
    says: str
    weight: float

    @property
    def speaks(self) -> str:
        if abs(self.weight) < _NOTHING:
            return "says little"
        strength = "strongly " if abs(self.weight) >= 6 else ""
        return f"speaks {strength}{'for' if self.weight > 0 else 'against'} it"


def rows(evidence: Mapping[str, Sequence[Any]], one: Profile, other: Profile) -> list[Row]:
    """What the model compared, in its order. The values are those of now."""
    mine, theirs = values(one), values(other)
    found = []
    for comparison in COMPARISONS:
        if comparison.name in evidence:
            key, weight = evidence[comparison.name]
            found.append(_row(comparison, mine[comparison.name], theirs[comparison.name], key, float(weight)))
    return found


def _row(comparison: Comparison, one: str, other: str, key: str, weight: float) -> Row:
    level = BY_NAME[comparison.name].level(key)
    if level is None:
        says = "several people’s" if one and other else "known of one only" if one or other else "known of neither"
        return Row(comparison.label, [(one, False)], [(other, False)], UNKNOWN, says, weight)
    pieces = differing(one, other) if level.kind == CLOSE else ([(one, False)], [(other, False)])
    return Row(comparison.label, *pieces, level.kind, level.says, weight)


def differing(one: str, other: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces, each with whether it differs from the other text there; case doesn't count."""
    mine: list[Piece] = []
    theirs: list[Piece] = []
    for what, start, end, other_start, other_end in SequenceMatcher(
        None, one.lower(), other.lower(), autojunk=False
    ).get_opcodes():
        differs = what != "equal"
        if start < end:
            mine.append((one[start:end], differs))
        if other_start < other_end:
            theirs.append((other[other_start:other_end], differs))
    return mine, theirs


def values(profile: Profile) -> dict[str, str]:
    """What is compared of a person, as it was sent; '' where nothing is known. As `columns.EXPORT` reads it."""
    traits = profile.traits
    address = traits.get("address")
    inside: Mapping[str, Any] = address if isinstance(address, dict) else {}

    def named(names: tuple[str, ...], *, at_home: bool = False) -> str:
        for fields in (inside, traits) if at_home else (traits,):
            for name in names:
                if (value := fields.get(name)) not in (None, "") and not isinstance(value, dict | list):
                    return str(value)
        return ""

    first, last = named(columns.FIRST), named(columns.LAST)
    if not first and not last and " " in profile.name.strip():
        first, last = profile.name.split()[0], profile.name.split()[-1]
    street = named(columns.STREET, at_home=True) or (address if isinstance(address, str) else "")
    street = " ".join(part for part in (street, named(columns.MORE, at_home=True)) if part)
    return {
        "first": first, "last": last, "birth": named(columns.BIRTH), "mail": profile.email, "phone": profile.phone,
        "street": street, "number": columns.house_number(street), "city": named(columns.CITY, at_home=True),
        "postcode": named(columns.POSTCODE, at_home=True),
    }  # fmt: skip
