"""What the environment says, read strictly: a value that won't do ends the program with its name and one that will."""

import logging
from typing import Any
from zoneinfo import ZoneInfo

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()


def whole_number(name: str, default: int, least: int, most: int) -> int:
    text = env.str(name, default="").strip() or str(default)
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ImproperlyConfigured(f"{name}={text} won't do: it is a whole number from {least} to {most}.")
    return int(text)


def time_zone(name: str, default: str) -> str:
    text: str = env.str(name, default=default)
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ImproperlyConfigured(f"{name}={text} won't do: it is a name such as {default} or UTC.") from None
    return text


def log_level(name: str, default: str) -> str:
    text: str = env.str(name, default=default).upper()
    if text not in logging.getLevelNamesMapping():
        raise ImproperlyConfigured(f"{name}={text} won't do: it is DEBUG, INFO, WARNING or ERROR.")
    return text


def email(name: str, default: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = env.email_url(name, default=default)
    except (ValueError, KeyError, environ.ImproperlyConfigured):
        # The text holds a password.
        raise ImproperlyConfigured(f"{name} can't be read; it looks like smtp+tls://user:password@host:587.") from None
    return found


def fernet_keys(name: str) -> list[str]:
    keys: list[str] = env.list(name, default=[])
    for place, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name}: number {place} is not a Fernet key. `python -c 'from cryptography.fernet import Fernet;"
                " print(Fernet.generate_key().decode())'` makes one."
            ) from None
    return keys
