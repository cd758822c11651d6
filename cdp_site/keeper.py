"""The process beside an embedded PostgreSQL: starts it, and ends it when nobody uses it any more.

Run as `python -m cdp_site.keeper FOLDER UID GID COMMAND…` by `cdp_site.postgres`. Whoever uses the server holds a shared
lock on FOLDER/users.lock, which the kernel gives back however the user ends; the keeper waits for the exclusive one. So
no crash and no kill leaves a server behind. FOLDER/stay keeps it running with no user (`manage.py database start`).
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from cdp_site.processes import tied

LOOKS_AT_STAY_EVERY = 1.0  # seconds
FAST_STOP_WITHIN = 60.0  # seconds; then it is stopped at once and recovers at the next start


def main(folder: Path, identity: dict[str, Any], command: list[str]) -> int:
    server = subprocess.Popen(
        command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        # SIGINT is PostgreSQL's fast shutdown: open sessions are ended, everything committed is safe.
        preexec_fn=tied(signal.SIGINT),  # noqa: PLW1509  (no thread has been started yet)
        **identity,
    )
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: server.send_signal(signal.SIGINT))
    threading.Thread(target=_end_when_unused, args=(folder, server), daemon=True).start()
    return server.wait()


def _end_when_unused(folder: Path, server: subprocess.Popen[bytes]) -> None:
    # Never closed: a new user waits for this lock until the server is down and we are gone.
    lock = os.open(folder / "users.lock", os.O_RDONLY | os.O_CREAT, 0o644)
    while True:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "stay").exists():
            break
        fcntl.flock(lock, fcntl.LOCK_UN)
        time.sleep(LOOKS_AT_STAY_EVERY)
    server.send_signal(signal.SIGINT)
    time.sleep(FAST_STOP_WITHIN)
    server.send_signal(signal.SIGQUIT)


if __name__ == "__main__":
    uid, gid = int(sys.argv[2]), int(sys.argv[3])
    other = {"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else {}
    sys.exit(main(Path(sys.argv[1]), other, sys.argv[4:]))
