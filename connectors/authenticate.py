"""Which source a request comes from, by its write key."""

import base64
import binascii
import time
from dataclasses import dataclass

from django.http import HttpRequest

from cdp_site import sql

# How long a process goes by what it read: a source that is switched off is refused everywhere after this.
_KEPT = 5.0  # seconds
_MOST_KEPT = 10_000


@dataclass(frozen=True)
class Caller:
    """The source that a write key belongs to. `rate_limit` is messages a minute, 0 for none."""

    source_id: int
    name: str
    enabled: bool
    rate_limit: int


_kept: dict[str, tuple[float, Caller | None]] = {}


def caller_of(write_key: str) -> Caller | None:
    """The source with this write key, None when there is none. At most `_KEPT` seconds old."""
    now = time.monotonic()
    known = _kept.get(write_key)
    if known is not None and known[0] > now:
        return known[1]
    rows = sql.rows("SELECT id, name, enabled, rate_limit FROM source WHERE write_key = %s", (write_key,))
    found = Caller(*rows[0]) if rows else None
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    _kept[write_key] = (now + _KEPT, found)
    return found


def forget() -> None:
    """Read sources anew from here on (in this process)."""
    _kept.clear()


def sent_write_key(request: HttpRequest, in_body: str | None = None) -> str:
    """The write key that a request brings: by Basic authentication (as its user name), in its body, or its address."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            named = base64.b64decode(value.strip(), validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            named = ""
        if named:
            return named
    return in_body or request.GET.get("writeKey", "")
