"""Whether the e-mail and the phone that stand at the top of a person's page, and in lists, still lead to that person.

What somebody said of a person stays said, also when the number is another's by now, or several claim it: so it is
marked. One look-up for a page's rows, and one more for the names where something is somebody else's.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cdp_site import sql
from cdp_site.arrays import int8s
from profiles import inbox, normalise
from profiles.called import names_of
from profiles.component import columns
from profiles.gather import LOOK_UP
from profiles.identifiers import EMAIL, PHONE, Identifier

# Each kind with its place among what is given of a person.
_KINDS = (EMAIL, PHONE)
_FORMS = "SELECT id, form, label FROM identifier_kind WHERE id = ANY(%b::smallint[]) AND role = 'merge'"
_SOURCES = (
    "SELECT DISTINCT profile_id, source_id FROM trait_value WHERE profile_id = ANY(%b::bigint[]) AND name = 'phone'"
)


@dataclass(frozen=True)
class Astray:
    """An e-mail or phone that isn't simply the person's: `says` what it is instead; `leads_to`: somebody else."""

    label: str
    value: str
    says: str
    leads_to: int | None = None
    disputed: bool = False


def astray(people: Iterable[tuple[int, str, str]]) -> dict[int, dict[int, Astray]]:
    """Of (id, e-mail, phone): by person and kind, what leads elsewhere, is shared or disputed. All else isn't there."""
    some = [(id, said) for id, *said in people if any(said)]
    if not some:
        return {}
    forms = {id: (form, label) for id, form, label in sql.rows(_FORMS, ([*_KINDS],))}
    countries = _countries([id for id, (_, phone) in some if phone and not phone.startswith(("+", "00"))])
    asked: dict[tuple[int, int], list[Identifier]] = {}
    for id, said in some:
        for kind, text in zip(_KINDS, said, strict=True):
            if text and kind in forms:
                forms_of = {normalise.in_form(forms[kind][0], text, country) for country in countries.get(id, [""])}
                asked[id, kind] = sorted((kind, value) for value in forms_of if value)
    wanted = sorted({one for readings in asked.values() for one in readings})
    rows = sql.rows(LOOK_UP, columns(wanted)) if wanted else []
    known = {(kind, value): (home, shared, disputed) for kind, value, home, shared, disputed in rows}
    said_of = {id: dict(zip(_KINDS, said, strict=True)) for id, said in some}
    found: dict[int, dict[int, tuple[int | None, bool, bool]]] = {}
    for (id, kind), readings in asked.items():
        states = [known[one] for one in readings if one in known]
        if states and (id, False, False) not in states:
            found.setdefault(id, {})[kind] = states[0]
    names = names_of(
        home for states in found.values() for home, shared, disputed in states.values() if not (shared or disputed)
    )
    return {
        id: {
            kind: _told(forms[kind][1], said_of[id][kind], state, names) for kind, state in states.items()
        }
        for id, states in found.items()
    }  # fmt: skip


def _told(label: str, value: str, state: tuple[int | None, bool, bool], names: dict[int, str]) -> Astray:
    home, shared, disputed = state
    if shared or disputed:
        return Astray(label, value, "shared" if shared else "disputed", disputed=not shared)
    return Astray(label, value, "leads to nobody now" if home is None else f"now {names[home]}’s", home)


def _countries(people: list[int]) -> dict[int, list[str]]:
    """Where a number without its country is to be read: as in those of the sources that said one."""
    rows = sql.rows(_SOURCES, (int8s(people),)) if people else []
    of_source = inbox.countries_of({source for _, source in rows}) if rows else {}
    found: dict[int, list[str]] = {}
    for id, source in rows:
        found.setdefault(id, []).append(of_source.get(source, ""))
    return found
