"""A client that sends as fast as it is answered, in a process of its own: `python -m tests.benchmarks.client PORT KEY PATH SIZE`.

Prints requests a second.
"""

import http.client
import os
import sys
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from tests.benchmarks.world import messages, now

SECONDS = 8.0
CONNECTIONS = 4


def send(port: int, key: str, path: str, bodies: list[bytes], seconds: float) -> int:
    """POST bodies over keep-alive connections for some seconds; returns how many were answered with 200."""
    headers = {"Authorization": "Basic " + b64encode(f"{key}:".encode()).decode(), "Content-Type": "application/json"}
    ends = time.perf_counter() + seconds

    def one(number: int) -> int:
        connection, answered = http.client.HTTPConnection("127.0.0.1", port, timeout=30), 0
        at = number
        while time.perf_counter() < ends:
            connection.request("POST", path, bodies[at % len(bodies)], headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"answered {answer.status}")
            answered, at = answered + 1, at + CONNECTIONS
        return answered

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return sum(pool.map(one, range(CONNECTIONS)))


def _batches(size: int) -> list[bytes]:
    stream = messages(200 * size, seed=os.getpid(), start=now(), days=0.01)
    batches = []
    while chunk := list(islice(stream, size)):
        batches.append(chunk[0] if size == 1 else b'{"batch":[' + b",".join(chunk) + b"]}")
    return batches


if __name__ == "__main__":
    port, key, path, size = sys.argv[1:]
    print(send(int(port), key, path, _batches(int(size)), SECONDS) / SECONDS)
