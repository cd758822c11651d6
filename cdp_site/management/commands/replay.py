"""`manage.py replay FILE --source NAME`: send a file of messages through the same entrance as everything else."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from cdp_site.replay import BROKEN_GZIP, replay
from connectors.models import Source


class Command(BaseCommand):
    help = "Send a file of tracking-API messages (JSON lines, .gz too), then work off everything. Resumable."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="JSON lines, one message a line; .gz is unpacked")
        parser.add_argument("--source", required=True, help="the name of the source that they come from")
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        path, name = options["file"], options["source"]
        source = Source.objects.filter(name=name).first()
        if source is None:
            raise CommandError(
                f"There is no source called {name!r}. Make it: manage.py sources create --kind http --name {name!r}"
            )
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        quiet = not sys.stderr.isatty()
        try:
            with tqdm(total=path.stat().st_size, unit="B", unit_scale=True, desc=path.name, disable=quiet) as bar:
                report = replay(path, source, lambda at: bar.update(at - bar.n) and None)
        except KeyboardInterrupt:
            raise CommandError("Stopped. The same command goes on where it was.") from None
        except BROKEN_GZIP as error:
            raise CommandError(f"{path} is not a whole gzip file: {error}. What came before was sent.") from None
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}.") from None
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report)))
            return
        for what, count in asdict(report).items():
            self.stdout.write(f"{what:12}{count:>14,}")
