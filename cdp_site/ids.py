"""Time-ordered 64-bit keys, made by the application (no sequence, no identity column).

Layout, most significant bit first: 1 unused, 41 milliseconds since 2020-01-01 UTC (until 2089), 10 node (random, a
process), 12 sequence. Two processes with the same node in the same millisecond could make the same key; the primary
key then refuses the second one, and the stage that tried retries its transaction with new keys.
"""

import os
import secrets
import threading
import time
from datetime import UTC, datetime

EPOCH_MS = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp() * 1000)
_SEQUENCE_BITS = 12
_NODE_BITS = 10
_lock = threading.Lock()
_last = 0
_node = secrets.randbits(_NODE_BITS)
_pid = os.getpid()


def new_ids(count: int, above: int = 0) -> range:
    """`count` fresh keys, in order; consecutive, so that a range says it all (a range may run into later milliseconds).

    `above`: a key that all of them come after, even where this clock is behind the one that made it.
    """
    global _last, _node, _pid
    with _lock:
        if _pid != os.getpid():  # forked: another node, or two workers would count alike
            _pid, _node = os.getpid(), secrets.randbits(_NODE_BITS)
        # Sequence and node are swapped in place of the usual order: ids of one process stay consecutive.
        now = (int(time.time() * 1000) - EPOCH_MS) << _SEQUENCE_BITS
        first = max(now, _last + 1, (above >> _NODE_BITS) + 1)
        _last = first + count - 1
        return range((first << _NODE_BITS) | _node, ((_last + 1) << _NODE_BITS) | _node, 1 << _NODE_BITS)


def new_id() -> int:
    return new_ids(1)[0]


def made_at(key: int) -> datetime:
    """When a key was made (UTC, to the millisecond)."""
    return datetime.fromtimestamp(((key >> (_SEQUENCE_BITS + _NODE_BITS)) + EPOCH_MS) / 1000, UTC)


def first_at(moment: datetime) -> int:
    """The smallest key that could be made at `moment`: 'everything that arrived since' is `id >= first_at(moment)`."""
    return (int(moment.timestamp() * 1000) - EPOCH_MS) << (_SEQUENCE_BITS + _NODE_BITS)
