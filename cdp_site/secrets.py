"""Keys that the application makes for itself when nobody gave it one."""

import base64
import hashlib
import os
import secrets
import sys
from pathlib import Path

from django.conf import settings


def kept(folder: Path, name: str) -> str:
    """The secret kept in `folder/name`, made (mode 0600) on first use."""
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        secret = secrets.token_urlsafe(48)
        file.write(secret)
    return secret


def refuse_kept() -> None:
    """End a process that serves in production, one clear line, when nobody has set SECRET_KEY."""
    if settings.KEY_IS_KEPT and not (settings.DEMO or settings.DEBUG):
        sys.exit("Tributary: SECRET_KEY is not set. Set it to a long random text (or run `make demo` to look around).")


def fernet_key_from(secret: str) -> str:
    """A Fernet key derived from another secret, for installations that set no ENCRYPTION_KEYS."""
    return base64.urlsafe_b64encode(
        hashlib.blake2b(secret.encode(), digest_size=32, person=b"tributary-fernet").digest()
    ).decode()
