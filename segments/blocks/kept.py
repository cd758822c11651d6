"""Decoded columns that a process keeps between questions: what was used last stays, up to so many bytes."""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Any

# 20 M events in all windows are 160 MB; a worker has 600.
MOST_BYTES = 320 * 2**20


class Kept:
    """Safe for threads. Values are never changed once they are in it."""

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self.bytes = 0

    def get(self, key: Hashable) -> Any:
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        with self._lock:
            self._take(key)
            self._values[key] = value, size
            self.bytes += size
            while self.bytes > (self._most or MOST_BYTES) and len(self._values) > 1:
                self._take(next(iter(self._values)))

    def keys(self) -> Iterator[Hashable]:
        with self._lock:
            return iter(list(self._values))

    def drop(self, key: Hashable) -> None:
        with self._lock:
            self._take(key)

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self.bytes = 0

    def _take(self, key: Hashable) -> None:
        found = self._values.pop(key, None)
        if found is not None:
            self.bytes -= found[1]


kept = Kept()
