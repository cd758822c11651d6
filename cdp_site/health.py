"""Open, cheap answers for whatever watches this installation: is it up, is it ready, how is it doing."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache

from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from cdp_site import metrics, sql
from cdp_site.ids import made_at

# The clock wakes every stage once a minute; a worker that takes no task for this long is gone or stuck.
WORKERS_SEEN_WITHIN = timedelta(minutes=3)
LONGEST_LAG = timedelta(minutes=15)


@login_not_required
@never_cache
@require_safe
def alive(_request: HttpRequest) -> HttpResponse:
    """/healthz: this process answers. Asks nothing of anybody."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """/readyz: 200 when all of it can work, else 503 and what is missing."""
    answers: dict[str, dict[str, object]] = {}
    for name, ask in QUESTIONS.items():
        try:
            problem, said = ask()
        except DatabaseError:
            # Its own words may name a host or an account.
            connection.close()
            problem, said = "the database can't be reached", {}
        answers[name] = {"ok": not problem, **({"problem": problem} if problem else {}), **said}
        if problem and name in ("database", "migrations"):
            break  # the rest can't be asked then, and would only say so in other words
    well = all(answer["ok"] for answer in answers.values())
    return JsonResponse({"ok": well, "checks": answers}, status=200 if well else 503)


@login_not_required
@never_cache
@require_safe
def show_metrics(_request: HttpRequest) -> HttpResponse:
    """/metrics, in Prometheus' text format."""
    return HttpResponse(generate_latest(metrics.registry()), content_type=CONTENT_TYPE_LATEST)


# What is wrong ("" when nothing is), and what else there is to say.
Answer = tuple[str, dict[str, object]]


def _database() -> Answer:
    sql.rows("SELECT 1")
    return "", {}


def migrations() -> Answer:
    applied = set(sql.rows("SELECT app, name FROM django_migrations")) if _has_migrations() else set()
    missing = sorted(_known_migrations() - applied)
    if not missing:
        return "", {}
    return f"migrations are not applied ({len(missing)}, first {'.'.join(missing[0])}): run manage.py migrate", {}


def _has_migrations() -> bool:
    return bool(sql.rows("SELECT to_regclass('django_migrations') IS NOT NULL")[0][0])


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """The migrations on disk; they don't change while a process runs."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def _workers() -> Answer:
    seen = sql.rows("SELECT max(started_at) FROM stage")[0][0]
    if seen is None:
        return "no worker has started yet: run manage.py work", {}
    age = timezone.now() - seen
    said: dict[str, object] = {"seconds_since_last_seen": round(age.total_seconds(), 1)}
    return ("no worker has taken up work lately: is manage.py work running?" if age > WORKERS_SEEN_WITHIN else ""), said


def _inbox() -> Answer:
    oldest = sql.rows("SELECT min(id) FROM inbox WHERE done_at IS NULL")[0][0]
    lag = max(timezone.now() - made_at(oldest), timedelta(0)) if oldest else timedelta(0)
    said: dict[str, object] = {"lag_seconds": round(lag.total_seconds(), 1)}
    return (f"the oldest message has waited for {lag.total_seconds():.0f} s" if lag > LONGEST_LAG else ""), said


QUESTIONS: dict[str, Callable[[], Answer]] = {
    "database": _database,
    "migrations": migrations,
    "workers": _workers,
    "inbox": _inbox,
}
