"""Which database: the one that DATABASE_URL names, checked first, or an embedded PostgreSQL of our own."""

import os
import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import environ
import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from cdp_site.installed import OLDEST, Problem
from cdp_site.postgres import BASE_DIR, Server

# Commands that do without a running database, or see to it themselves.
_NEEDS_NONE = frozenset({"help", "version", "collectstatic", "findstatic", "check", "diffsettings", "database", "demo"})
# Leads nowhere, so that a command that needs no database doesn't start one.
NOWHERE = "postgres://tributary@/tributary?host=/nowhere"
_SCHEMES = ("postgres", "postgresql", "pgsql", "psql")
_SHAPE = "postgres://user:password@host:5432/name"
_REASONS = {
    "connection refused": "nothing answers there",
    "could not translate host name": "there is no such host",
    "failed to resolve host": "there is no such host",
    "timeout": "it doesn't answer",
    "no such file": "there is no such socket",
    "password authentication failed": "it refuses the user name or password",
    "no password supplied": "it wants a password",
    "does not exist": "the database or user doesn't exist there (make it with createdb)",
}


def use_embedded_unless_configured(argv: Sequence[str] = ()) -> None:
    """See that DATABASE_URL is set and leads to a usable server before settings are read; else end with one line."""
    command = argv[1] if len(argv) > 1 else ("help" if argv else "")
    if command == "demo":
        os.environ.setdefault("TRIBUTARY_DEMO", "1")
    try:
        use(running=command not in _NEEDS_NONE and "--help" not in argv and "-h" not in argv)
        _read_settings()
    except Problem as problem:
        sys.exit(f"Tributary: {problem}")


def _read_settings() -> None:
    """Here rather than wherever they are first needed: what is wrong with them is said in one line too."""
    try:
        _ = settings.VAR_DIR
    except ImproperlyConfigured as error:
        raise Problem(str(error)) from None
    except OSError as error:  # the keys that are kept there
        raise Problem(f"{error.filename}: {error.strerror}. VAR_DIR chooses another place.") from None


def use(*, running: bool = True) -> str:
    """The database's URL, also put into DATABASE_URL. `running`: started (the embedded one) or checked (another's)."""
    environ.Env.read_env(BASE_DIR / ".env")
    url = os.environ.get("DATABASE_URL", "")
    if url:
        if running:
            check(url)
        else:
            read(url)
    else:
        url = server().use() if running else NOWHERE
        os.environ["DATABASE_URL"] = url
    return url


def is_configured() -> bool:
    """Whether the operator names a database."""
    environ.Env.read_env(BASE_DIR / ".env")
    return os.environ.get("DATABASE_URL", "") not in ("", NOWHERE, _own_url())


def start() -> str:
    """The URL of a database that is up: the operator's, checked, or the embedded one, started."""
    if is_configured():
        check(os.environ["DATABASE_URL"])
        return os.environ["DATABASE_URL"]
    return server().use()


def _own_url() -> str:
    try:
        return server().url
    except OSError:  # not made yet
        return ""


@cache
def server() -> Server:
    """This installation's embedded server (one object a process: it holds the lock that keeps the server running)."""
    return Server(folder())


def folder() -> Path:
    environ.Env.read_env(BASE_DIR / ".env")
    return Path(os.environ.get("VAR_DIR") or BASE_DIR / "var") / "postgres"


def read(url: str) -> dict[str, Any]:
    """What `url` says, as Django has it. Raises Problem when it can't be read or isn't a PostgreSQL's."""
    if url.partition("://")[0] not in _SCHEMES:
        raise Problem(f"DATABASE_URL must name a PostgreSQL: {_SHAPE}.")
    try:
        parts: dict[str, Any] = environ.Env.db_url_config(url)
    except (ValueError, KeyError, TypeError, environ.ImproperlyConfigured):
        raise Problem(f"DATABASE_URL can't be read; it looks like {_SHAPE}.") from None
    if not parts["NAME"]:
        raise Problem(f"DATABASE_URL names no database; it looks like {_SHAPE}.")
    return parts


def check(url: str) -> None:
    """Raise Problem unless `url` leads to a PostgreSQL that is new enough."""
    parts = read(url)
    where = f"{parts['HOST'] or 'the local socket'}{':' if parts['PORT'] else ''}{parts['PORT']}/{parts['NAME']}"
    wanted = {
        "host": parts["HOST"],
        "port": parts["PORT"],
        "dbname": parts["NAME"],
        "user": parts["USER"],
        "password": parts["PASSWORD"],
        "connect_timeout": 5,
        **parts.get("OPTIONS", {}),
    }
    try:
        with psycopg.connect(**{name: value for name, value in wanted.items() if value}) as found:
            too_old = explain_version(found.info.server_version)
    except psycopg.Error as error:
        raise Problem(f"DATABASE_URL leads to {where}, and {_reason(error)}.") from None
    if too_old:
        raise Problem(too_old)


def explain_version(version: int) -> str:
    """Why a server of this version number (as libpq gives it: 150012) won't do; '' when it will."""
    if version >= OLDEST * 10_000:
        return ""
    return f"DATABASE_URL leads to PostgreSQL {version // 10_000}; Tributary needs {OLDEST} or later."


def _reason(error: psycopg.Error) -> str:
    text = str(error).lower()
    for sign, reason in _REASONS.items():
        if sign in text:
            return reason
    return re.sub(r"^(connection (to .*?)?failed: )+", "", str(error).strip().splitlines()[0])
