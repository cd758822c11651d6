"""The stage that compares people: one step at a time, each begun again where it stopped, never two at once.

A step exports the people's traits, or lets the engine work for a minute, or takes in what it found, or joins some pairs.
What is half done lies in `var/matching/<database>/<run>/`, traits in plain text, readable by this account alone, and is
thrown away at the end.
"""

import selectors
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from cdp_site import sql, stages
from cdp_site.models import Progress
from profiles.matching import decide, intake
from profiles.matching.columns import EXPORT, EXPORT_LOST
from profiles.models import MatchRun, MatchSettings, Suggestion

log = structlog.get_logger(__name__)

NAME = "Looking for people who may be one"
# What DuckDB may take in the engine's process; the rest of it is some 200 MB.
MEGABYTES = 512
STEP_SECONDS = 60
TRIES = 3
JOINS_A_STEP = 100
# As in profiles.matching.engine, which isn't imported here: it would load Splink.
_DONE, _MORE = 0, 3
_TELL_AT_LEAST_EVERY = 15  # seconds


def ask(by: str) -> MatchRun:
    """See that people are compared soon; returns the run that will do it, which may be under way already."""
    run, new = MatchRun.objects.get_or_create(running=True, defaults={"asked_by": by})
    if new:
        Progress.objects.report(NAME, 0, 100, "it begins")
    stages.wake("match")
    return run


@stages.stage("match", counts="matching_steps", every=300)
def match_some() -> int:
    """One step of the run under way; returns 0 when there is none (and nothing was left to forget)."""
    run = MatchRun.objects.filter(running=True).first()
    _sweep(run)
    if run is None:
        return forget_the_gone()
    if run.taken_in_at:
        return _join_some(run)
    if run.tries >= TRIES:
        _end(run, f"It was begun {TRIES} times and did not come to an end; the log says more. Start it again, and if that"
             " does not help give the machine more memory.")  # fmt: skip
        return 1
    MatchRun.objects.filter(pk=run.pk).update(tries=run.tries + 1)
    folder = folder_of(run)
    export(folder)
    status = _engine(folder)
    if status == _MORE:
        MatchRun.objects.filter(pk=run.pk).update(tries=0)
    elif status == _DONE:
        _take_in(run, folder)
    else:
        log.warning("matching_engine_failed", run=run.pk, status=status, where=_where(folder / "said.txt"))
    return 1


def _ground() -> Path:
    """A folder of this database's own: what another's runs have left is none of ours."""
    return Path(settings.VAR_DIR) / "matching" / str(connection.settings_dict["NAME"])


def folder_of(run: MatchRun) -> Path:
    return _ground() / str(run.pk)


def _sweep(run: MatchRun | None) -> None:
    """Throw away what other runs left on this machine: they may have gone on, and ended, on another."""
    for folder in _ground().glob("*"):
        if run is None or folder != folder_of(run):
            shutil.rmtree(folder, ignore_errors=True)


def export(folder: Path) -> None:
    """Write the traits to be compared, streamed from the database: nothing of it is held in memory."""
    target = folder / "people.csv"
    if target.exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = target.with_suffix(".half")
    for query, path in ((EXPORT_LOST, folder / "lost.csv"), (EXPORT, half)):
        with path.open("wb") as file, transaction.atomic(), sql.cursor() as cursor, cursor.copy(query) as copy:
            for block in copy:
                file.write(block)
    half.rename(target)


def _engine(folder: Path) -> int:
    """Let the engine work for a while, telling how far it is; returns its status. It gets no part of our environment but
    the path, so no key and no database address."""
    command = [
        sys.executable,
        "-m",
        "profiles.matching.engine",
        str(folder.resolve()),
        str(STEP_SECONDS),
        str(MEGABYTES),
    ]
    with (
        (folder / "said.txt").open("wb") as said,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=said,
            bufsize=0,
            cwd=settings.BASE_DIR,
            env={"PATH": "/usr/bin:/bin"},
        ) as child,
        selectors.DefaultSelector() as selector,
    ):
        assert child.stdout is not None
        selector.register(child.stdout, selectors.EVENT_READ)
        told: dict[str, Any] = {"done": 0, "total": 100, "detail": "it begins"}
        while True:
            if selector.select(_TELL_AT_LEAST_EVERY):
                line = child.stdout.readline()
                if not line:
                    break
                told = msgspec.json.decode(line)
            Progress.objects.report(NAME, told["done"], told["total"], told["detail"])
        return child.wait()


def _where(said: Path) -> str:
    """Where the engine failed, and with which kind of error. Without its words: they may hold what it read."""
    lines = said.read_text(errors="replace").splitlines() if said.exists() else []
    frames = [line.strip() for line in lines if line.lstrip().startswith("File ")]
    kind = next((line.partition(":")[0] for line in reversed(lines) if line and not line.startswith((" ", "\t"))), "")
    return f"{kind[:80]} at {frames[-1] if frames else 'its start'}"


def _take_in(run: MatchRun, folder: Path) -> None:
    outcome = msgspec.json.decode((folder / "outcome.json").read_bytes())
    if little := outcome.get("too_little"):
        _end(run, little)
        return
    run.people, run.pairs, run.outcome = outcome["people"], outcome["pairs"], outcome
    intake.take_in(run, folder / "found.csv")
    shutil.rmtree(folder, ignore_errors=True)
    if not MatchSettings.now().joins_by_itself:
        _end(run)


def _join_some(run: MatchRun) -> int:
    """Join the next pairs above the upper threshold, the surest first."""
    chosen = MatchSettings.now()
    pairs: list[Suggestion] = []
    if chosen.joins_by_itself:
        waiting = Suggestion.objects.filter(state=Suggestion.State.OPEN, sure=True, refused=False)
        pairs = list(waiting.filter(probability__gte=chosen.joins_above).order_by("-probability")[:JOINS_A_STEP])
    if not pairs:
        _end(run)
        return 1
    run.joined += decide.join_by_itself(pairs)
    run.save(update_fields=["joined"])
    Progress.objects.report(NAME, 98, 100, f"{run.joined:,} joined by themselves")
    return len(pairs)


def _end(run: MatchRun, trouble: str = "") -> None:
    run.running, run.ended_at, run.trouble = None, timezone.now(), trouble
    run.save(update_fields=["running", "ended_at", "trouble", "joined"])
    shutil.rmtree(folder_of(run), ignore_errors=True)
    Progress.objects.report(NAME, 100, 100, trouble[:200])


_FORGET = """
DELETE FROM match_suggestion WHERE state IN ('open', 'later')
  AND (profile_id NOT IN (SELECT id FROM profile) OR other_id NOT IN (SELECT id FROM profile)) RETURNING 1
"""


def forget_the_gone() -> int:
    """Undecided pairs of whom one merged or was erased."""
    return len(sql.rows(_FORGET))
