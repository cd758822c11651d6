"""What an address or a form asks for, read without trust: whatever stands there, it is a value or nothing, never a fault."""

from datetime import datetime

LONGEST = 200  # characters; nobody types more into a search field
_LARGEST = 2**63 - 1  # what a bigint column holds


def whole(text: str | None) -> int | None:
    """A number from 0 to what a column holds, written in ASCII digits; None for anything else.

    (`str.isdigit` is true of '²' too, which `int` refuses, and of numbers that no column can be compared with.)
    """
    if not text or not (text.isascii() and text.isdigit()) or len(text) > 19:
        return None
    number = int(text)
    return number if number <= _LARGEST else None


def words(text: str | None) -> str:
    """What somebody typed, trimmed; without the NUL character, which PostgreSQL refuses, and of bearable length."""
    return (text or "").replace("\0", "").strip()[:LONGEST]


def cursor(text: str | None) -> tuple[str, int]:
    """Where a list goes on, written 'time,id' by the page before: for `(time, id) < (…)`; the list's beginning for all else."""
    moment, _, id = (text or "").partition(",")
    try:
        at, number = datetime.fromisoformat(moment).isoformat(), whole(id)
    except ValueError:
        at, number = "", None
    return ("infinity", _LARGEST) if number is None else (at, number)
