"""`make bench`: measure, print, and write var/bench.json. `make bench ARGS="resolve pages"` runs some of it."""

import argparse
import importlib
import json
import os
import sys
import time
from pathlib import Path

import environ

from cdp_site import database
from cdp_site.installed import Problem
from cdp_site.postgres import BASE_DIR, Server

NAMES = (
    "resolve", "segments", "pages", "receive", "latency", "identity", "matching", "questions", "attribution",
    "dashboards",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="which; all if none is named")
    parser.add_argument("--people", type=int, default=1_000_000, help="of the benchmark 'questions'; 20 events each")
    parser.add_argument("--keep", action="store_true", help="go on with the benchmark database of an earlier run")
    chosen = parser.parse_args()
    environ.Env.read_env(BASE_DIR / ".env")
    var = Path(os.environ.setdefault("VAR_DIR", str(BASE_DIR / "var" / "bench")))
    var.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    server = None
    try:
        if url := os.environ.get("DATABASE_URL"):
            database.check(url)
        else:
            server = Server(var / "postgres")
            os.environ["DATABASE_URL"] = server.use()
        return _measure(chosen.names or list(NAMES), var, keep=chosen.keep, people=chosen.people)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    finally:
        if server:
            server.release()


def _measure(names: list[str], var: Path, *, keep: bool, people: int) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "cdp_site.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    settings.DEBUG = False
    # A database of its own on the same server, emptied unless it is to be kept.
    url = os.environ["DATABASE_URL"]
    name = connection.creation._get_test_db_name()
    connection.creation.create_test_db(verbosity=0, autoclobber=True, keepdb=keep, serialize=False)
    os.environ["DATABASE_URL"] = _with_database(url, name)  # for the servers and workers that benchmarks start
    figures: dict[str, object] = {}
    path = var / "bench.json"
    for one in names:
        started = time.monotonic()
        size = {"people": people} if one == "questions" else {}
        figures[one] = importlib.import_module(f"tests.benchmarks.{one}").run(**size)
        print(f"\n{one} ({time.monotonic() - started:.0f} s)")
        for what, figure in figures[one].items():  # type: ignore[attr-defined]
            print(f"  {what:<60} {figure}")
        path.write_text(json.dumps(figures, indent=2, default=str))
    print(f"\nwritten to {path}")
    return 0


def _with_database(url: str, name: str) -> str:
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


if __name__ == "__main__":
    sys.exit(main())
