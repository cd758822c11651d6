"""Keys that the application makes for itself when nobody gave it one."""

import base64
import fcntl
import hashlib
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings


def kept(folder: Path, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(48)) -> str:
    """The secret kept in `folder/name`, made (mode 0600) on first use. Whole or not there, also on a full disk."""
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    one_at_a_time = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not path.exists() or not path.read_text().strip():
            fresh = folder / f".{name}.new"
            fresh.unlink(missing_ok=True)
            fresh.touch(mode=0o600)
            fresh.write_text(make())
            fresh.replace(path)
    finally:
        os.close(one_at_a_time)
    return path.read_text().strip()


def refuse_kept() -> None:
    """End a process that serves in production, one clear line, when nobody has set SECRET_KEY."""
    if settings.KEY_IS_KEPT and not (settings.DEMO or settings.DEBUG):
        sys.exit("Tributary: SECRET_KEY is not set. Set it to a long random text (or run `make demo` to look around).")


def fernet_key_from(secret: str) -> str:
    """A Fernet key derived from another secret, for installations that set no ENCRYPTION_KEYS."""
    return base64.urlsafe_b64encode(
        hashlib.blake2b(secret.encode(), digest_size=32, person=b"tributary-fernet").digest()
    ).decode()
