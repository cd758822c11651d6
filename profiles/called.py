"""How people are called, and those who decide about them: for pages that name many at once."""

from collections.abc import Iterable

from django.contrib.auth.models import User

from cdp_site import sql
from cdp_site.arrays import int8s

_PEOPLE = "SELECT id, coalesce(nullif(name, ''), nullif(email, ''), nullif(phone, '')) FROM profile WHERE id = ANY(%b::bigint[])"


def names_of(profiles: Iterable[int | None]) -> dict[int, str]:
    """How people are called, by id; who has no name by the end of the id."""
    ids = sorted({id for id in profiles if id is not None})
    found = dict(sql.rows(_PEOPLE, (int8s(ids),))) if ids else {}
    return {id: found.get(id) or f"Visitor {str(id)[-6:]}" for id in ids}


def full_names(accounts: Iterable[str]) -> dict[str, str]:
    """Full names by the names that people sign in with, of those who have one."""
    wanted = {*accounts}
    found = User.objects.filter(username__in=wanted) if wanted else ()
    return {one.get_username(): name for one in found if (name := one.get_full_name())}
