"""Regular expressions that an admin may write for blocked values: checked, so that no value can make one run away.

Python's matcher tries, at worst, every way in which a pattern can be laid over a value. Those ways can be counted from
the pattern alone: a repetition can stop in as many places as the value is long, alternatives multiply, and a repetition
of a repetition has no bound worth the name. So a pattern is taken only where they are few.
"""

import re
from typing import Any

# The longest value that is ever an identifier (`profiles.extract`).
LONGEST_VALUE = 512
LONGEST = 200
# Two repetitions without an end (`.*x.*`): some milliseconds at worst.
MOST_WAYS = 600_000

_PLAIN = {"LITERAL", "NOT_LITERAL", "ANY", "IN", "AT"}


def problem(pattern: str) -> str:
    """Why a pattern can't be used, in a sentence; empty when it can."""
    if len(pattern) > LONGEST:
        return f"has {len(pattern)} characters; {LONGEST} is the most"
    try:
        tree = re._parser.parse(pattern, re.IGNORECASE)  # type: ignore[attr-defined]
        re.compile(pattern, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError) as error:
        return f"is no regular expression: {error}"
    try:
        ways = _ways(tree)
    except _TooMuch as error:
        return str(error)
    if ways > MOST_WAYS:
        return "can be laid over a value in too many ways; use at most two of * and +, and few alternatives"
    if re.fullmatch(pattern, "", re.IGNORECASE):
        return "matches even what is empty, so it would block every value's absence; say what it must contain"
    return ""


class _TooMuch(Exception):
    """Something of which the ways can't be counted, or have no end."""


def _ways(items: Any) -> int:
    """In how many ways a sequence can be laid over a value, at most."""
    ways = 1
    for name, argument in items:
        ways *= _ways_of(str(name), argument)
        if ways > MOST_WAYS:
            return ways
    return ways


def _ways_of(name: str, argument: Any) -> int:
    if name in _PLAIN:
        return 1
    if name == "SUBPATTERN":
        return _ways(argument[-1])
    if name == "BRANCH":
        return sum(_ways(branch) for branch in argument[1])
    if name in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, item = argument
        inner = _ways(item)
        if inner > 1:
            if most > 8:
                raise _TooMuch("repeats something that varies itself, such as (a+)* or (a|b)*; use [ab]* instead")
            return sum(inner**times for times in range(int(least), int(most) + 1))
        return min(int(most), LONGEST_VALUE) - min(int(least), LONGEST_VALUE) + 1
    raise _TooMuch("looks ahead, behind or back at what it matched; only plain patterns can be used here")
