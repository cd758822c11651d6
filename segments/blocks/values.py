"""The dictionary of properties' values: blocks hold a code for each JSON text, and nothing about what it means.

What a value means is asked of the database, with the very conditions that the table is asked with (`reading`).
"""

from collections.abc import Iterable

import numpy as np

from cdp_site import sql

# A property with more values than this (an order's number, say) is read from the table.
MOST_VALUES = 200_000
# Text longer than this isn't kept: likewise.
MOST_TEXT = 2_000
# Stands for a value that isn't kept.
TOO_MANY = -1
_KNOWN = "SELECT code, value FROM block_value WHERE name_id = %s AND property = %s AND code > %s ORDER BY code"


class Codes:
    """The codes that values have, as the sealing process knows them. A code is given once, from 1 on."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.born = 0
        self._codes: dict[tuple[int, str], dict[str, int]] = {}
        self._fresh: list[tuple[int, str, int, str]] = []

    def begin(self, born: int) -> None:
        """A batch begins. `born` tells these values from those of before everything was emptied."""
        if born != self.born:
            self.forget()
            self.born = born
        for (name, property), known in self._codes.items():
            self._catch_up(name, property, known)

    def _catch_up(self, name: int, property: str, known: dict[str, int]) -> None:
        """Read what another process has added."""
        rows = sql.rows(_KNOWN, (name, property, len(known)), binary=True)
        known.update({text: code for code, text in rows})

    def of(self, name: int, property: str, texts: Iterable[str | None]) -> np.ndarray:
        """The code of each; 0 for None. New ones get one, and are written by `write` in the same transaction."""
        known = self._codes.get((name, property))
        if known is None:
            known = self._codes[name, property] = {}
            self._catch_up(name, property, known)
        texts = list(texts)
        for text in set(texts).difference(known):
            if text is not None and len(known) < MOST_VALUES and len(text) <= MOST_TEXT:
                known[text] = len(known) + 1
                self._fresh.append((name, property, known[text], text))
        return np.fromiter((0 if text is None else known.get(text, TOO_MANY) for text in texts), np.int32, len(texts))

    def write(self) -> None:
        if self._fresh:
            sql.copy_rows("block_value", ["name_id", "property", "code", "value"], self._fresh)
            self._fresh = []
