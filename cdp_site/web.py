"""gunicorn's configuration: `gunicorn -c python:cdp_site.web cdp_site.wsgi`. Two processes of four threads."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp_site.settings")

from cdp_site import database

database.use_embedded_unless_configured()

from django.conf import settings

from cdp_site.processes import end_with_parent
from cdp_site.secrets import refuse_kept

refuse_kept()

bind = f"{settings.HOST}:{settings.PORT}"
worker_class = "gthread"
workers = 2
threads = 4
timeout = 60  # seconds without a sign of life of a process, not the length of a request
graceful_timeout = 10
keepalive = 15
# Bodies are bounded where they are read; a beacon may carry a whole message in its address.
limit_request_line = 8190
loglevel = "warning"
control_socket_disable = True
if Path("/dev/shm").is_dir():
    worker_tmp_dir = "/dev/shm"  # heartbeats must not wait for a disk

# The processes add their request times up here, so that each can answer /metrics for both.
# In memory where there is a place for that: a mapped file ends the process that writes to it on a full disk.
_place = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else settings.VAR_DIR / "metrics"
_name = hashlib.sha256(str(settings.VAR_DIR).encode()).hexdigest()[:12]
_metrics = _place / f"tributary-{_name}-{settings.PORT}"
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics)


def on_starting(_server: Any) -> None:
    shutil.rmtree(_metrics, ignore_errors=True)
    _metrics.mkdir(parents=True, mode=0o700)


def on_exit(_server: Any) -> None:
    shutil.rmtree(_metrics, ignore_errors=True)


def post_fork(server: Any, _worker: Any) -> None:
    # A master that is killed outright must not leave processes that still hold the port.
    end_with_parent(server.pid)
