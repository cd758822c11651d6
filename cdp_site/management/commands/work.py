"""`manage.py work`: the background workers (a django-q2 cluster) and the clock that wakes the stages."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django_q.cluster import Cluster

from cdp_site import health, stages
from cdp_site.processes import tie_forks
from cdp_site.secrets import refuse_kept


class Command(BaseCommand):
    help = "Run the background workers: ingestion, segments, audience syncs. Stop with Ctrl-C or SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_kept()
        if problem := health.migrations()[0]:
            raise CommandError(f"{problem}.")
        # A connection that is open when the cluster forks would be shared by parent and child.
        connections.close_all()
        # Should this process be killed, its workers must not go on unseen.
        tie_forks()
        cluster = Cluster()
        cluster.start()
        stopped = threading.Event()

        def stop(*_: Any) -> None:
            stopped.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        stages.keep_time(stopped)
        cluster.stop()
