"""What `manage.py doctor` asks: every app registers its invariants here, each a function that yields what is off."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.db import connection, transaction

from cdp_site import stages


@dataclass(frozen=True)
class Finding:
    """The answer of one check; `detail` says what is off, or what was compared."""

    name: str
    ok: bool
    detail: str


_checks: dict[str, Callable[[], Iterable[str]]] = {}
MOST_PROBLEMS_SHOWN = 5


def check(name: str) -> Callable[[Callable[[], Iterable[str]]], Callable[[], Iterable[str]]]:
    """Register an invariant: the function yields one sentence a problem, nothing when all is well."""

    def register(function: Callable[[], Iterable[str]]) -> Callable[[], Iterable[str]]:
        _checks[name] = function
        return function

    return register


def run_all() -> list[Finding]:
    """Ask every check. Cost: full passes over events, identifiers and memberships (about 10 s a million events)."""
    for config in apps.get_app_configs():
        if find_spec(f"{config.name}.doctor"):
            import_module(f"{config.name}.doctor")
    return [_ask(name, function) for name, function in _checks.items()]


@contextmanager
def one_view() -> Iterator[None]:
    """All statements of a check see the same moment: what is compared may change between two looks."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _ask(name: str, function: Callable[[], Iterable[str]]) -> Finding:
    # A check that locks may meet somebody who changed the row since its moment: it is asked anew.
    problems = stages.attempt(lambda: _problems(function), tries=20)
    shown = "; ".join(problems[:MOST_PROBLEMS_SHOWN])
    more = len(problems) - MOST_PROBLEMS_SHOWN
    return Finding(name, not problems, shown + (f"; and {more} more" if more > 0 else "") if problems else "ok")


def _problems(function: Callable[[], Iterable[str]]) -> list[str]:
    with one_view():
        return list(function())
