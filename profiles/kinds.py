"""The kinds of identifiers that Tributary knows from the start; docs/identity.md says where the defaults come from."""

from django.db import connection

from cdp_site import sql
from profiles.models import IdentifierKind

# id, name, label, priority, limit, role, identifies, shared above, yields after (days), blocked
_DEFAULTS = [
    (1, "user_id", "User id", 1, 1, "merge", True, 20, 0, []),
    (2, "loyalty_card", "Loyalty card", 2, 3, "merge", True, 5, 0, []),
    (3, "email", "E-mail", 3, 5, "merge", True, 5, 0, [
        "test@test.com", "test@example.com", "none@none.com", "no@no.com", "noemail@noemail.com", "unknown@unknown.com",
        "a@a.com", "example@example.com", "email@email.com", "noreply@noreply.com",
    ]),
    (4, "phone", "Phone", 4, 5, "merge", True, 5, 365, []),
    (5, "external_id", "External id", 5, 20, "merge", True, 5, 0, []),
    (6, "device_id", "Device", 6, 50, "merge", False, 4, 180, []),
    (7, "anonymous_id", "Anonymous id", 7, 1000, "merge", False, 4, 180, []),
    (8, "record", "Order, ticket or deal number", 8, 1000000, "attach", False, 0, 0, []),
]  # fmt: skip


def add_missing(**_: object) -> None:
    """Add the kinds that aren't there; called after each `migrate` (and each flush in tests). Changes none."""
    if IdentifierKind._meta.db_table not in connection.introspection.table_names():
        return
    there = {id for (id,) in sql.rows("SELECT id FROM identifier_kind")}
    names = [
        "id", "name", "label", "priority", "limit_per_profile", "role", "identifies", "shared_above", "yields_after", "blocked",
    ]  # fmt: skip
    missing = [IdentifierKind(**dict(zip(names, row, strict=True))) for row in _DEFAULTS if row[0] not in there]
    IdentifierKind.objects.bulk_create(missing, ignore_conflicts=True)
