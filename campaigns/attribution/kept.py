"""What a process keeps between questions: packed days, and what was made of them. Bounded, and safe for threads.

Two processes of a web server keep these each for themselves, within 200 MB a process. Nothing that is kept is ever changed; all
of it can be thrown away at any moment.
"""

import threading

from segments.blocks.kept import Kept

# Packed days as the database has them: 40 MB are a million journeys of three touches. Days beyond that are read each time.
MOST_DAYS_BYTES = 44 * 2**20
# What was made of a stretch of days by somebody's filters, and whole answers.
MOST_MADE_BYTES = 14 * 2**20

days = Kept(MOST_DAYS_BYTES)
made = Kept(MOST_MADE_BYTES)
# One question at a time is computed: what it needs besides is needed once.
turn = threading.RLock()


def clear() -> None:
    days.clear()
    made.clear()
