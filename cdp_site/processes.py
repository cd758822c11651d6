"""Child processes that never outlive their parent, and a supervisor that starts them again when they die."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_prctl: Callable[..., int] | None = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
# A child that lived this long is well again: its next death is answered at once.
_WELL_AFTER = 30.0  # seconds
_LONGEST_PAUSE = 30.0  # seconds
_LARGEST_LOG = 20 * 1024 * 1024


def end_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process signal `number` when `parent` dies, however it dies (Linux; nothing elsewhere)."""
    if _prctl is None:
        return
    _prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), number)


def tie_forks() -> None:
    """Let every process that is forked from now on, at any depth, die with the one that forked it.

    For pools that fork workers of their own: a killed parent would leave them working on, unseen.
    """
    parent = os.getpid()

    def before() -> None:
        nonlocal parent
        parent = os.getpid()

    os.register_at_fork(before=before, after_in_child=lambda: end_with_parent(parent))


def tied(number: int = signal.SIGKILL) -> Callable[[], None]:
    """For `Popen(preexec_fn=…)`: the child gets signal `number` when this process dies. Call from the main thread."""
    parent = os.getpid()
    return lambda: end_with_parent(parent, number)


@dataclass
class Child:
    """A command that should be running; `once` ones are not started again after they ended well."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    once: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    pause: float = 0.5
    finished: bool = False

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Starts children in groups of their own, starts them again with growing pauses, and stops all of them.

    What they print goes to `<logs>/<name>.log`; `tell` gets one sentence about each unexpected end.
    """

    def __init__(self, logs: Path, tell: Callable[[str], None]) -> None:
        self.folder, self._tell = logs, tell
        self.children: list[Child] = []
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, child: Child) -> Child:
        self.children.append(child)
        self._launch(child)
        return child

    def look_after(self) -> None:
        """One round: start what has died and whose pause is over. Call it every second or so."""
        now = time.monotonic()
        for child in self.children:
            if child.running or child.finished:
                continue
            if child.process is not None:
                self._note_end(child, now)
            if not child.finished and now >= child.start_at:
                self._launch(child)

    def stop(self, patience: float = 10.0) -> None:
        """End all children and whatever they started: ask first, and after `patience` seconds insist."""
        for child in self.children:
            if child.running and child.process is not None:
                child.process.terminate()  # the leader alone: it knows how to end those it started
        deadline = time.monotonic() + patience
        while any(child.running for child in self.children) and time.monotonic() < deadline:
            time.sleep(0.05)
        for child in self.children:
            # Also after a good end: a group may hold what its leader left behind.
            self._signal(child, signal.SIGKILL)
            if child.process is not None:
                child.process.wait()
        self.children.clear()

    def log_of(self, child: Child) -> Path:
        return self.folder / f"{child.name}.log"

    def _launch(self, child: Child) -> None:
        path = self.log_of(child)
        too_large = path.exists() and path.stat().st_size > _LARGEST_LOG
        with path.open("wb" if too_large else "ab") as log:
            child.process = subprocess.Popen(
                child.command,
                env={**os.environ, **child.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Away from the terminal's Ctrl-C and hang-up: the supervisor decides when and in which order to stop.
                start_new_session=True,
                preexec_fn=tied(),  # noqa: PLW1509  (the supervisor has one thread)
            )
        child.started_at = time.monotonic()

    def _note_end(self, child: Child, now: float) -> None:
        assert child.process is not None
        code = child.process.returncode
        self._signal(child, signal.SIGKILL)
        child.process = None
        if child.once and code == 0:
            child.finished = True
            return
        child.pause = 0.5 if now - child.started_at > _WELL_AFTER else min(child.pause * 2, _LONGEST_PAUSE)
        child.start_at = now + child.pause
        ended = f"was killed (signal {-code})" if code < 0 else f"ended with status {code}"
        self._tell(f"{child.name} {ended}; starting it again in {child.pause:.0f} s. See {self.log_of(child)}")

    @staticmethod
    def _signal(child: Child, number: int) -> None:
        if child.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.process.pid, number)
