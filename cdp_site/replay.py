"""Files of messages (JSON lines) sent through the same entrance as everything else: in chunks, resumable, with bounded memory.

Sending a file twice changes nothing: messages are known by their messageId, or by their content where they have none.
"""

import gzip
import json
import time
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO

from django.conf import settings
from django.utils import timezone

from cdp_site import sql, stages
from connectors.models import Source
from profiles import inbox
from profiles.message import MAX_MESSAGE_BYTES, Invalid, parse

CHUNK = 500
BROKEN_GZIP = (gzip.BadGzipFile, EOFError, zlib.error)
# So many chunks may wait before the reader waits too: what is not drained yet lies in the inbox, not in memory.
MOST_PENDING = 40
_PENDING = "SELECT count(*) FROM (SELECT FROM inbox WHERE done_at IS NULL LIMIT %s) AS waiting"
# A line that was refused before, of a file that is sent once more, is there already.
_KNOWN = (
    "SELECT reason, payload FROM rejected WHERE source_id = %b AND reason = ANY(%b::text[]) AND replayed_at IS NULL"
)
_LEDGER = """
SELECT coalesce(sum(stored), 0), coalesce(sum(duplicates), 0), coalesce(sum(rejected), 0)
FROM drain_batch WHERE source_id = %s
"""


@dataclass
class Report:
    """What came of a file. With other messages of the same source arriving meanwhile, those are counted too."""

    read: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    seconds: float = 0.0


def replay(path: Path, source: Source, seen: Callable[[int], None] = lambda _: None) -> Report:
    """Send every line of `path` and wait until it is drained; `seen` is told how many bytes of the file are behind.

    Goes on where it was killed. A line that is no message is kept as rejected, with its number; the rest goes on.
    """
    started, report = time.monotonic(), Report()
    # What a run that was killed had sent isn't counted to this one.
    stages.drain_all()
    before = sql.rows(_LEDGER, (source.pk,))[0]
    mark = _Mark.of(path, source)
    with path.open("rb") as raw, _opened(path, raw) as text:
        chunk: list[bytes] = []
        refused: list[inbox.Rejection] = []
        done = mark.line
        try:
            for number, line in _lines(text):
                if number <= mark.line:
                    continue
                done = number
                if line := line.strip().replace(b"\r", b" "):
                    report.read += 1
                    if reason := _why_not(line, number):
                        refused.append(reason)
                    else:
                        chunk.append(line)
                if len(chunk) + len(refused) >= CHUNK:
                    report.rejected += _send(source, chunk, refused)
                    mark.keep(done)
                    chunk, refused = [], []
                    seen(raw.tell())
        except BROKEN_GZIP:
            _send(source, chunk, refused)
            mark.keep(done)
            raise
        report.rejected += _send(source, chunk, refused)
        seen(raw.tell())
    stages.drain_all()
    mark.forget()
    after = sql.rows(_LEDGER, (source.pk,))[0]
    report.accepted, report.duplicates = int(after[0] - before[0]), int(after[1] - before[1])
    report.rejected += int(after[2] - before[2])
    report.seconds = round(time.monotonic() - started, 3)
    return report


def _send(source: Source, chunk: list[bytes], refused: list[inbox.Rejection]) -> int:
    if chunk:
        inbox.store_lines(source.pk, chunk)
    make_room()
    if refused:
        known = {
            (reason, bytes(payload))
            for reason, payload in sql.rows(_KNOWN, (source.pk, [one.reason for one in refused]))
        }
        inbox.reject(source.pk, [one for one in refused if (one.reason, one.payload) not in known], stage="receive")
    return len(refused)


def make_room(most: int | None = None) -> None:
    """Return when fewer than `most` (MOST_PENDING) inbox rows wait; drains them here where no worker does."""
    most = most or MOST_PENDING
    while int(sql.rows(_PENDING, (most + 1,))[0][0]) >= most:
        if not stages.run("resolve"):
            time.sleep(0.1)


def _why_not(line: bytes, number: int) -> inbox.Rejection | None:
    try:
        parse(line, received_at=timezone.now(), sent_at=None, corrects=False)
    except Invalid as invalid:
        return inbox.Rejection(number, invalid.field, f"line {number}: {invalid.reason}", line)
    return None


def _opened(path: Path, raw: IO[bytes]) -> IO[bytes]:
    begins = raw.read(2)
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw) if begins == b"\x1f\x8b" or path.suffix == ".gz" else raw  # type: ignore[return-value]


def _lines(text: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers from 1; of a line that is much too long only the beginning, which is refused as too long."""
    number, most = 0, MAX_MESSAGE_BYTES + 2
    while line := text.readline(most):
        number += 1
        if number == 1:
            line = line.removeprefix(BOM_UTF8)
        rest = line
        while not rest.endswith(b"\n") and (rest := text.readline(most)):
            pass
        yield number, line


@dataclass
class _Mark:
    """Up to which line a file has been sent: beside the other state of this installation, gone when the file is through."""

    file: Path
    size: int
    changed: int
    line: int = 0

    @classmethod
    def of(cls, path: Path, source: Source) -> "_Mark":
        name = blake2b(f"{source.pk} {path.resolve()}".encode(), digest_size=12).hexdigest()
        folder = settings.VAR_DIR / "replay"
        folder.mkdir(parents=True, exist_ok=True)
        now = path.stat()
        mark = cls(folder / f"{name}.json", now.st_size, now.st_mtime_ns)
        try:
            kept = json.loads(mark.file.read_text())
        except (FileNotFoundError, ValueError):
            return mark
        # Another file under the same name begins at its beginning.
        if (kept.get("size"), kept.get("changed")) == (mark.size, mark.changed):
            mark.line = int(kept["line"])
        return mark

    def keep(self, line: int) -> None:
        kept = asdict(self) | {"file": str(self.file), "line": line}
        beside = self.file.with_suffix(".part")
        beside.write_text(json.dumps(kept))
        beside.replace(self.file)

    def forget(self) -> None:
        self.file.unlink(missing_ok=True)
