"""`manage.py database {start,stop,status}`: the embedded PostgreSQL by hand. Other commands start it by themselves."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cdp_site import database
from cdp_site.installed import Problem


class Command(BaseCommand):
    help = "Start, stop or look at the embedded PostgreSQL. While it was started this way it stays up until stopped."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["start", "stop", "status"])
        parser.add_argument("--force", action="store_true", help="stop it even while others use it")

    def handle(self, *args: Any, **options: Any) -> None:
        if database.is_configured():
            raise CommandError("DATABASE_URL is set, so the embedded PostgreSQL isn't used.")
        server = database.server()
        try:
            if options["action"] == "start":
                server.use()
                server.stay()
                self.stdout.write(f"PostgreSQL is running. To look around: psql '{server.url}'")
            elif options["action"] == "stop":
                self._stop(server, force=options["force"])
            else:
                pid = server.postmaster()
                state = f"running (process {pid})" if pid else "not running"
                used = ", in use" if pid and server.in_use() else ""
                self.stdout.write(f"PostgreSQL is {state}{used}. Data: {server.data}. Log: {server.log}.")
        except Problem as problem:
            raise CommandError(str(problem)) from None

    def _stop(self, server: Any, *, force: bool) -> None:
        if server.postmaster() is None:
            server.stay(False)
            self.stdout.write("PostgreSQL is not running.")
            return
        server.stay(False)
        if server.in_use() and not force:
            raise CommandError(
                "Another command uses PostgreSQL (make demo?); it stops with that one. Or: manage.py database stop --force"
            )
        server.stop()
        self.stdout.write("PostgreSQL has stopped.")
