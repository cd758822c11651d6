"""`manage.py tick_demo`: the demo company goes on living, until it is stopped."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from cdp_site.demo import ticker


class Command(BaseCommand):
    help = "Send a few messages a second to the local server, as the demo company's systems would. Stop with Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda got, _: stopping.append(got))
        ticker.run(lambda: bool(stopping))
