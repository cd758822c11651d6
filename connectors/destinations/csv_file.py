"""CSV files below the installation's own folder: what changed, a file a delivery, and the whole audience, kept current.

A file appears under its name only when it is complete (written beside, then renamed), so whoever picks files up never
sees half of one. A delivery that is tried again writes the same file again: same name, same bytes.
"""

import csv
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django import forms
from django.conf import settings
from django.utils.text import slugify

from connectors.destinations import base
from connectors.destinations.base import (
    AudienceName,
    Capability,
    Changes,
    Destination,
    Member,
    Outcome,
    delivered,
    try_again,
)

_NUMBER = re.compile(r"[+-]?[\d ().,-]+\Z")
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_SEVERAL = "; "


def exports() -> Path:
    """The folder that all files are below."""
    return Path(settings.VAR_DIR) / "exports"


class CsvSettings(base.Settings):
    folder = forms.CharField(
        max_length=120,
        initial="audiences",
        help_text="Below the installation's folder for exports; made when it isn't there.",
    )
    writes = forms.ChoiceField(
        label="Files",
        choices=[
            ("both", "Changes and the whole audience"),
            ("delta", "Only changes: a file each time"),
            ("full", "Only the whole audience: one file, kept current"),
        ],
        initial="both",
    )
    minutes = forms.IntegerField(
        label="Minutes between two whole files",
        min_value=0,
        max_value=7 * 24 * 60,
        initial=5,
        help_text="The whole file is written anew after changes, at most this often.",
    )
    field_order = ["folder", "writes", "minutes", "identifiers", "traits"]

    def clean_folder(self) -> str:
        folder: str = self.cleaned_data["folder"].strip()
        try:
            _below_exports(folder)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        return folder


class CsvFile(Destination):
    kind = "csv_file"
    label = "CSV file"
    description = "Writes files of who joined and left, and of everybody, into a folder of this installation."
    settings = CsvSettings
    capabilities = frozenset({Capability.CHANGES, Capability.SNAPSHOT})
    batch_size = 20_000

    def send(self, changes: Changes, body: bytes) -> Outcome:
        if self.config["writes"] == "full":
            return delivered()
        at = changes.sent_at.astimezone(UTC).isoformat(timespec="seconds")
        told = ((operation, at, *self._cells(one)) for operation, people in (("remove", changes.removed), ("add", changes.added))
                for one in people)  # fmt: skip
        name = f"{_stem(changes.audience)}.{changes.delivery_id}.delta.csv"
        try:
            self._write(name, ["operation", "changed_at", *self.columns()], told)
        except OSError as error:
            return try_again(
                f"The file can't be written: {error.strerror}. Look at the folder's rights and free space."
            )
        except ValueError as error:
            return base.refuse(str(error))
        return delivered()

    def test(self) -> Outcome:
        try:
            folder = self._folder()
            with tempfile.TemporaryFile(dir=folder):
                return delivered()
        except ValueError as error:
            return base.refuse(str(error))
        except OSError as error:
            return try_again(f"The folder can't be written to: {error.strerror}.")

    def snapshot_every(self) -> float | None:
        return None if self.config["writes"] == "delta" else self.config["minutes"] * 60.0

    def keep(self, audience: AudienceName, members: Iterator[Member]) -> None:
        path = self._full(audience)
        self._write(path.name, self.columns(), map(self._cells, members))
        # A file under the audience's former name would go on looking current.
        for other in path.parent.glob(f"*-{audience.id}.full.csv"):
            if other != path:
                other.unlink(missing_ok=True)

    def compare(self, audience: AudienceName, members: Iterator[Member]) -> str:
        path = self._full(audience)
        try:
            with path.open(newline="", encoding="utf-8") as file:
                lines = csv.DictReader(file)
                for line, member in zip_longest(lines, members):
                    written, held = line and line["profile_id"], member and member.profile_id
                    if written != held:
                        return f"{path.name} has {written or 'nobody more'} where {held or 'nobody more'} should be"
        except FileNotFoundError:
            return f"{path.name} is not there"
        return ""

    def columns(self) -> list[str]:
        """The same columns in the same order as long as the settings are the same, whoever is in the file."""
        return ["profile_id", *self.config["identifiers"], *self.config["traits"]]

    def _cells(self, member: Member) -> list[str]:
        identifiers = [_SEVERAL.join(member.identifiers.get(kind, [])) for kind in self.config["identifiers"]]
        traits = [_text(member.traits.get(name)) for name in self.config["traits"]]
        return [member.profile_id, *map(safe, identifiers), *map(safe, traits)]

    def _folder(self) -> Path:
        folder = _below_exports(self.config["folder"])
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        return folder

    def _full(self, audience: AudienceName) -> Path:
        return self._folder() / f"{_stem(audience)}.full.csv"

    def _write(self, name: str, columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
        with _replacing(self._folder() / name) as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(lines)


def safe(text: str) -> str:
    """A cell that a spreadsheet takes as text: one that could be a formula gets an apostrophe before it.

    Plain numbers are left as they are (a phone number begins with +). Source: OWASP, CSV Injection.
    """
    if text.startswith(_STARTS_FORMULA) and not _NUMBER.match(text):
        return "'" + text
    return text.replace("\0", "")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _SEVERAL.join(map(_text, value)) if isinstance(value, list) else str(value)


def _stem(audience: AudienceName) -> str:
    return f"{slugify(audience.name)[:60] or 'audience'}-{audience.id}"


def _below_exports(folder: str) -> Path:
    """Where a configured folder is; refused when it leads out of the exports, by '..', by '/' or by a link."""
    pure = PurePosixPath(folder)
    if not folder or pure.is_absolute() or ".." in pure.parts or "\0" in folder or "\\" in folder:
        raise ValueError("Enter a folder's name below the exports, such as 'audiences' (no '..', no leading '/').")
    root = exports().resolve()
    found = (root / pure).resolve()
    if not found.is_relative_to(root):
        raise ValueError("This folder leads out of the exports by a link.")
    return found


@contextmanager
def _replacing(path: Path) -> Iterator[IO[str]]:
    """Write a file that takes its name when it is complete and on the disk; on a failure nothing is left of it."""
    descriptor, beside = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o640)
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
