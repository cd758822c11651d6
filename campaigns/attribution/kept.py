"""What a process keeps between questions: packed days, and what was made of them. Bounded, and safe for threads.

Two processes of a web server keep these each for themselves, within 200 MB a process. Nothing that is kept is ever changed; all
of it can be thrown away at any moment.
"""

import threading
from collections.abc import Hashable
from typing import Any

from segments.blocks.kept import Kept

# Packed days as the database has them, the newest: some 400,000 journeys of three touches. Days beyond that are read each time
# that something is made of them.
MOST_DAYS_BYTES = 12 * 2**20
# What was made of stretches of days by somebody's filters, and whole answers.
MOST_MADE_BYTES = 14 * 2**20

days = Kept(MOST_DAYS_BYTES)
made = Kept(MOST_MADE_BYTES)
# One question at a time is computed: what it needs besides is needed once.
turn = threading.RLock()


def keep(key: Hashable, value: Any, size: int) -> None:
    """Keep what was made; what would push out half of all else is made again each time."""
    if size <= MOST_MADE_BYTES // 2:
        made.put(key, value, size)


def clear() -> None:
    days.clear()
    made.clear()
