"""The kinds of identifiers that Tributary knows from the start, and which of their rules the stored people follow.

docs/identity.md says where the defaults come from.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection

from profiles.models import IdentifierKind

# id, name, label, priority, limit, role, identifies, shared above, yields after (days), normal form, blocked
_DEFAULTS = [
    (1, "user_id", "User id", 10, 1, "merge", True, 20, 0, "trimmed", []),
    (2, "loyalty_card", "Loyalty card", 20, 3, "merge", True, 5, 0, "capitals", []),
    (3, "email", "E-mail", 30, 5, "merge", True, 5, 0, "email", [
        "test@test.com", "test@example.com", "none@none.com", "no@no.com", "noemail@noemail.com", "unknown@unknown.com",
        "a@a.com", "example@example.com", "email@email.com", "noreply@noreply.com",
    ]),
    (4, "phone", "Phone", 40, 5, "merge", True, 5, 365, "phone", []),
    (5, "external_id", "External id", 50, 20, "merge", True, 5, 0, "trimmed", []),
    (6, "device_id", "Device", 60, 50, "merge", False, 4, 180, "trimmed", []),
    (7, "anonymous_id", "Anonymous id", 70, 1000, "merge", False, 4, 180, "trimmed", []),
    (8, "record", "Order, ticket or deal number", 80, 100_000, "attach", False, 0, 0, "trimmed", []),
    (9, "fingerprint", "Browser fingerprint", 90, 1000, "suggest", False, 0, 0, "trimmed", []),
]  # fmt: skip
BUILT_IN = {row[0] for row in _DEFAULTS}
# A kind's lists of values are read with every batch.
MOST_VALUES = 5_000
# What a kind's values can be written as: the reader of an address can't make it a card.
FORMS_OF = {3: ("email", "untagged"), 4: ("phone",), 2: ("capitals", "digits"), 8: ("trimmed",)}
# A record's number is what attaches, a fingerprint what suggests: no more can be made of them.
ROLES_OF = {8: ("attach",), 9: ("suggest",)}

# Rules that say which links a message means: where one of them changes, the messages are read again.
LINKING = ("priority", "role", "identifies", "blocked", "patterns")
# Rules by which links are judged.
JUDGING = ("limit_per_profile", "shared_above", "yields_after", "trusted")


def rules_of(kind: IdentifierKind) -> dict[str, Any]:
    """What people follow from, of one kind."""
    return {field: getattr(kind, field) for field in (*LINKING, *JUDGING)}


def out_of_date(kinds: Iterable[IdentifierKind]) -> tuple[bool, bool]:
    """Whether the stored people follow other rules than these, and whether their links do."""
    changed = [
        field for kind in kinds for field, value in rules_of(kind).items() if (kind.applied or {}).get(field) != value
    ]
    return bool(changed), any(field in LINKING for field in changed)


def may_block(kind: IdentifierKind) -> bool:
    """Whether a value of this kind is blocked, or was when the stored messages were read."""
    before = kind.applied or {}
    return bool(kind.blocked or kind.patterns or before.get("blocked") or before.get("patterns"))


def mark_applied(rules: Mapping[int, Mapping[str, Any]]) -> None:
    """The stored people follow these rules now."""
    for id, applied in rules.items():
        IdentifierKind.objects.filter(id=id).update(applied=dict(applied))


def add_missing(**_: object) -> None:
    """Add the kinds that aren't there; called after each `migrate` (and each flush in tests). Changes none."""
    if IdentifierKind._meta.db_table not in connection.introspection.table_names():
        return
    names = [
        "id", "name", "label", "priority", "limit_per_profile", "role", "identifies", "shared_above", "yields_after",
        "form", "blocked",
    ]  # fmt: skip
    there = set(IdentifierKind.objects.values_list("id", flat=True))
    missing = [IdentifierKind(**dict(zip(names, row, strict=True))) for row in _DEFAULTS if row[0] not in there]
    for kind in missing:
        kind.applied = rules_of(kind)
    IdentifierKind.objects.bulk_create(missing, ignore_conflicts=True)
    # Rules from before it was kept which of them the people follow.
    for kind in IdentifierKind.objects.filter(applied=None, id__in=BUILT_IN):
        IdentifierKind.objects.filter(id=kind.id).update(applied=rules_of(kind))
