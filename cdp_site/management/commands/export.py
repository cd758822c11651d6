"""`manage.py export`: events, profiles, identity or memberships as a CSV or Parquet file."""

import json
import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from cdp_site.exporting import EXPORTS, export


class Command(BaseCommand):
    help = "Write events, profiles, identity (message_id, profile_id) or memberships to a file, whole or not at all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=list(EXPORTS))
        parser.add_argument("--format", choices=["csv", "parquet"], default="csv")
        parser.add_argument("--output", required=True, help="the file to write; - for standard output")
        parser.add_argument("--json", action="store_true", help="print one line of JSON (to stderr with --output -)")

    def handle(self, *args: Any, **options: Any) -> None:
        started, output = time.monotonic(), options["output"]
        try:
            with (
                _place(output) as out,
                tqdm(unit=" rows", desc=options["what"], disable=not sys.stderr.isatty()) as bar,
            ):
                rows = export(options["what"], options["format"], out, lambda count: bar.update(count) and None)
        except OSError as error:
            raise CommandError(f"{output} can't be written: {error.strerror or error}.") from None
        seconds = round(time.monotonic() - started, 3)
        said = (
            json.dumps({"rows": rows, "seconds": seconds}) if options["json"] else f"{rows:,} rows in {seconds:.1f} s"
        )
        (self.stderr if output == "-" else self.stdout).write(said)


@contextmanager
def _place(output: str) -> Iterator[IO[bytes]]:
    """Where to write: a file gets its name when it is complete and on the disk; of a failed one nothing is left.

    A pipe or a device is written to as it stands: something of the same name in its place would be another thing.
    """
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output).resolve()
    if path.exists() and not path.is_file() and not path.is_dir():
        with path.open("wb") as place:
            yield place
        return
    descriptor, beside = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
