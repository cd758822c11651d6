"""The embedded PostgreSQL server: how it is made, started, shared, stopped and recovered.

Everybody who uses it calls `use()`: the first one starts it, together with a keeper (`cdp_site.keeper`) that ends it
when the last one has gone, however it went.
"""

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from cdp_site.installed import SYSTEM_FOLDER, Account, Binaries, Problem, account_for, binaries_for, name_of
from cdp_site.processes import tied

BASE_DIR = Path(__file__).resolve().parent.parent
STARTS_WITHIN = 120.0  # seconds; recovery after a crash reads at most `max_wal_size`
_LONGEST_SOCKET_PATH = 100  # bytes; the kernel's limit is 107
_MEGABYTES = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2
_HBA = """\
local all tributary scram-sha-256
host  all tributary 127.0.0.1/32 scram-sha-256
local all all peer
"""
_ROLE = """\
CREATE ROLE tributary LOGIN CREATEDB PASSWORD '{password}'
GRANT pg_monitor, pg_checkpoint TO tributary
CREATE DATABASE tributary OWNER tributary
"""
# Failures to start that another attempt may mend: sessions of a killed server that are still leaving, a port just taken.
_PASSING = re.compile("shared memory block|could not create any TCP|lock file|shutting down")


class Server:
    """An embedded server: `folder` has its locks, log and password, `place` (mostly the same) its data and socket.

    `durable=False` (tests) survives killed processes, but no power cut.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder, self.durable = folder.absolute(), durable
        self._users: int | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    # What others ask of it

    def use(self) -> str:
        """The URL of the running server; starts it when needed. It keeps running until `release` or our end."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._users is None:
                users = _open_lock(self.folder / "users.lock")
                fcntl.flock(users, fcntl.LOCK_SH)  # waits while the keeper is stopping the server
                self._users = users
            with _locked(self.folder / "start.lock"):
                if not self.answers():
                    self._start()
            return self.url
        except OSError as error:
            raise Problem(
                f"{error.filename or self.folder}: {error.strerror}. VAR_DIR chooses another place."
            ) from None

    def release(self, patience: float = 60.0) -> None:
        """Use it no more; when nobody else does either, return after it has stopped."""
        if self._users is None:
            return
        os.close(self._users)
        self._users = None
        _wait_while(lambda: self._is_up() and not self.in_use(), patience)

    def stop(self) -> None:
        """End it now, whoever uses it."""
        self.stay(False)
        if pid := self.postmaster():
            os.kill(pid, signal.SIGINT)
            _wait_while(self._is_up, 60.0)

    def stay(self, wanted: bool = True) -> None:
        """Keep it running when nobody uses it (or no longer so)."""
        if wanted:
            (self.folder / "stay").touch()
        else:
            (self.folder / "stay").unlink(missing_ok=True)

    def in_use(self) -> bool:
        """Whether anybody uses it (we ourselves count, until `release`), or it was told to stay."""
        try:
            lock = os.open(self.folder / "users.lock", os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Held by users, or by the keeper, who is stopping the server: then not even a share is to be had.
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return True
            return False
        finally:
            os.close(lock)
        return (self.folder / "stay").exists()

    def answers(self) -> bool:
        """Whether it takes connections."""
        if not (self.folder / "port").exists() or not (self.folder / "password").exists():
            return False
        try:
            with psycopg.connect(self.url, connect_timeout=3):
                return True
        except psycopg.OperationalError:
            return False

    def postmaster(self) -> int | None:
        """The server's process, if it lives. (Its pid file alone proves nothing: numbers are given again.)"""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            command = psutil.Process(pid).cmdline()
        except (OSError, ValueError, psutil.Error):
            return None
        return pid if str(self.data) in command else None

    @property
    def url(self) -> str:
        password, port = (self.folder / "password").read_text(), (self.folder / "port").read_text()
        return f"postgres://tributary:{password}@/tributary?host={quote(str(self.socket_folder))}&port={port}"

    @property
    def place(self) -> Path:
        elsewhere = self.folder / "place"
        return Path(elsewhere.read_text()) if elsewhere.exists() else self.folder

    @property
    def data(self) -> Path:
        return self.place / "data"

    @property
    def socket_folder(self) -> Path:
        inside = self.place / "run"
        if len(f"{inside}/.s.PGSQL.65535.lock".encode()) < _LONGEST_SOCKET_PATH:
            return inside
        mark = hashlib.blake2b(str(inside).encode(), digest_size=6).hexdigest()
        return Path(tempfile.gettempdir()) / f"tributary-{mark}"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    # How it is made

    def _settle(self) -> Account:
        """Who runs it; chooses another place for the data when that account can't reach ours."""
        account = account_for(self.data)
        if not (self.folder / "place").exists() and not account.can("-x", self.folder):
            elsewhere = SYSTEM_FOLDER / f"data-{secrets.token_hex(6)}"
            elsewhere.mkdir(parents=True)
            (self.folder / "place.new").write_text(str(elsewhere))
            (self.folder / "place.new").rename(self.folder / "place")  # whole, or not at all
            name = name_of(account.uid)
            print(
                f"PostgreSQL runs as {name}, who can't reach {self.folder}: its data is in {elsewhere}.",
                file=sys.stderr,
            )
        self.socket_folder.mkdir(mode=0o755, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(self.socket_folder, account.uid, account.gid)
        elif self.socket_folder.stat().st_uid != account.uid:
            raise Problem(f"{self.socket_folder} belongs to somebody else.")
        return account

    def _make(self, account: Account, binaries: Binaries) -> None:
        """A new data folder with our role and database; it appears whole, or not at all."""
        password = secrets.token_urlsafe(24)
        for left in self.place.glob("data.new*"):  # of starts that were cut short
            shutil.rmtree(left, ignore_errors=True)
        new = Path(tempfile.mkdtemp(prefix="data.new-", dir=self.place))
        if os.geteuid() == 0:
            os.chown(new, account.uid, account.gid)
        # Sorted by code point everywhere alike, so that an upgrade of the C library can't corrupt an index.
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        options = ["--username=postgres", "--encoding=UTF8", "--auth=peer"]
        options += builtin if binaries.major >= 17 else ["--locale=C.UTF-8"]
        options += [] if self.durable else ["--no-sync"]
        self._run([binaries["initdb"], "-D", str(new), *options], account)
        single = [binaries["postgres"], "--single", "-D", str(new), "-c", "log_min_error_statement=panic", "postgres"]
        self._run(single, account, _ROLE.format(password=password))
        (new / "pg_hba.conf").write_text(_HBA)
        _write_secret(self.folder / "password", password)
        new.rename(self.data)

    def _run(self, command: list[str], account: Account, text: str = "") -> None:
        environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
        done = subprocess.run(
            command,
            input=text,
            text=True,
            capture_output=True,
            cwd="/",
            env=environment,
            check=False,
            preexec_fn=tied(),  # a start that is killed must not leave this at work on what the next one makes
            **account.popen,
        )
        complaint = re.search(r"(?:ERROR|FATAL|PANIC|error): +(.*)", done.stderr)
        if done.returncode or complaint:
            reason = complaint[1] if complaint else done.stderr.strip()[-300:]
            raise Problem(f"The database can't be made in {self.place}: {reason}.")

    # How it is started

    def _start(self) -> None:
        account = self._settle()
        binaries = binaries_for(self.data, account)
        if not self.data.exists():
            self._make(account, binaries)
        deadline = time.monotonic() + STARTS_WITHIN
        attempts, began = 0, 0
        while time.monotonic() < deadline:
            if self.postmaster() is None and not self._keeper_lives():
                if attempts:
                    self._explain(began, attempts)
                attempts += 1
                self._clear_away()
                began = self._launch(account, binaries)
            if self.answers():
                return
            time.sleep(0.03)
        raise Problem(f"The database did not answer within {STARTS_WITHIN:.0f} s; see {self.log}.")

    def _launch(self, account: Account, binaries: Binaries) -> int:
        """Start the keeper, which starts the server; returns where the log's new part begins."""
        command = [binaries["postgres"], "-D", str(self.data), "-p", str(self._port()), "-k", str(self.socket_folder)]
        for name, value in self._options().items():
            command += ["-c", f"{name}={value}"]
        keeper = [sys.executable, "-m", "cdp_site.keeper", str(self.folder), str(account.uid), str(account.gid)]
        too_large = self.log.exists() and self.log.stat().st_size > 10 * 1024**2
        with self.log.open("wb" if too_large else "ab") as log:
            began = log.seek(0, os.SEEK_END)
            self._keeper = subprocess.Popen(
                [*keeper, *command],
                cwd=BASE_DIR,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return began

    def _options(self) -> dict[str, str]:
        """Settings for a machine that is shared with the web server and the workers."""
        options = {
            "listen_addresses": "127.0.0.1",
            "max_connections": "100",
            "shared_buffers": f"{max(64, min(1024, _MEGABYTES // 8))}MB",
            "effective_cache_size": f"{_MEGABYTES // 2}MB",
            "work_mem": "16MB",
            "maintenance_work_mem": "128MB",
            "max_wal_size": "2GB",
            "min_wal_size": "256MB",
            "checkpoint_timeout": "15min",
            "wal_compression": "on",
            "random_page_cost": "1.1",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # Statements, parameters and details hold personal data.
            "log_min_error_statement": "panic",
            "log_checkpoints": "off",
            "log_parameter_max_length_on_error": "0",
            "log_error_verbosity": "terse",
        }
        with suppress(OSError):
            # Containers give 64 MB of shared memory, too little for parallel queries.
            if shutil.disk_usage("/dev/shm").free < 256 * 1024**2:
                options["dynamic_shared_memory_type"] = "mmap"
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return options

    def _port(self) -> int:
        """The same as last time where possible: processes that outlive a crash of the server find it again."""
        path = self.folder / "port"
        kept = int(path.read_text() or 0) if path.exists() else 0
        for wanted in (kept, 0):
            with socket.socket() as probe, suppress(OSError):
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", wanted))
                port: int = probe.getsockname()[1]
                if port != kept:
                    path.write_text(str(port))
                return port
        raise Problem("No port is free on 127.0.0.1.")

    def _clear_away(self) -> None:
        """What a killed server left: its pid file, and sessions that have not noticed yet and hold its memory."""
        owner = self.data.stat().st_uid
        for process in psutil.process_iter(["uids"]):
            with suppress(psutil.Error):
                if process.info["uids"].real == owner and Path(process.cwd()) == self.data.resolve():
                    process.kill()
                    process.wait(5)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _explain(self, began: int, attempts: int) -> None:
        """Raise what the server complained about, unless trying again may mend it."""
        with self.log.open("rb") as log:
            log.seek(began)
            text = log.read().decode(errors="replace")
        if attempts < 4 and _PASSING.search(text):
            time.sleep(0.5 * attempts)
            return
        reasons = re.findall(r"(?:FATAL|PANIC|ERROR): +(.*)", text) or text.strip().splitlines()[-1:]
        raise Problem(f"The database can't start: {reasons[-1] if reasons else 'no reason given'}. See {self.log}.")

    def _keeper_lives(self) -> bool:
        return self._keeper is not None and self._keeper.poll() is None

    def _is_up(self) -> bool:
        # Our own keeper is waited for to its end, so that nothing of it remains to be seen.
        return self._keeper_lives() or self.postmaster() is not None


def _open_lock(path: Path) -> int:
    # Read access is enough for a lock, so a file that root made doesn't stop a plain account.
    return os.open(path, os.O_RDONLY | (0 if path.exists() else os.O_CREAT), 0o644)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = _open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _wait_while(condition: Callable[[], bool], patience: float) -> None:
    deadline = time.monotonic() + patience
    while condition() and time.monotonic() < deadline:
        time.sleep(0.03)
