"""A file of enrolments on its way in: kept while somebody looks at what it would do, then sent through the inbox."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

import msgspec
from django.db import transaction
from django.utils import timezone

from campaigns.experiments import enrol, files
from campaigns.models import EnrolmentFile, Experiment
from cdp_site import sql
from connectors.models import Source
from profiles import inbox
from profiles.identifiers import FIRST_OWN
from profiles.models import IdentifierKind

SOURCE = "Experiment files"
KEPT = timedelta(days=2)  # a file that nobody sends
CHUNK = 500  # messages
_BUILT_IN = ("email", "user_id", "phone", "loyalty_card", "anonymous_id", "device_id")
_COUNTRY = "ES"  # what a new source has


@dataclass(frozen=True)
class Known:
    """Of how many identifiers at the file's beginning how many lead to somebody already."""

    known: int
    of: int


def kinds() -> list[IdentifierKind]:
    """The kinds of identifiers that a file may name people by."""
    return [kind for kind in IdentifierKind.objects.all() if kind.name in _BUILT_IN or kind.pk >= FIRST_OWN]


def keep(name: str, body: bytes, by: str) -> EnrolmentFile:
    """Keep a file that can be read as a table (`files.Unreadable` otherwise). Forgets those that nobody sent."""
    table = files.opened(body)
    chosen = files.guessed(table, [kind.name for kind in kinds()])
    EnrolmentFile.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    start = timezone.localtime().replace(second=0, microsecond=0, tzinfo=None).isoformat(timespec="minutes")
    given = chosen.as_json() | {"start": start, "name": name.rsplit(".", 1)[0].replace("_", " ").strip()[:200]}
    return EnrolmentFile.objects.create(name=name[:200], body=body, created_by=by, chosen=given)


def country() -> str:
    """Where phone numbers without + are from: the setting of the source that the messages come from."""
    found = Source.objects.filter(name=SOURCE).values_list("default_country", flat=True).first()
    return found or _COUNTRY


_KNOWN = """
SELECT count(*) FROM identifier WHERE kind_id = %s::smallint AND value = ANY(%s::text[]) AND profile_id IS NOT NULL
"""


def known(kind: IdentifierKind, summary: files.Summary) -> Known:
    """How many of the first thousand identifiers are somebody's. Cost: that many index lookups."""
    values = sorted(set(summary.sample))
    return Known(int(sql.rows(_KNOWN, (kind.pk, values))[0][0]) if values else 0, len(values))


class Gone(Exception):
    """The file was sent or thrown away meanwhile."""


@transaction.atomic
def send(file: EnrolmentFile, table: files.Table, chosen: files.Chosen, kind: IdentifierKind) -> tuple[Experiment, int]:
    """Send every line that can be taken, and forget the file; returns the experiment and how many messages.

    All of it or nothing is in the inbox; who presses twice sends once (`Gone`). Cost: 10 µs a line.
    """
    if not EnrolmentFile.objects.select_for_update().filter(pk=file.pk).exists():
        raise Gone
    experiment, _ = Experiment.objects.get_or_create(
        key=chosen.experiment, defaults={"name": chosen.name or chosen.experiment}
    )
    source, _ = Source.objects.get_or_create(name=SOURCE, defaults={"category": "other"})
    sent = 0
    encoded = (msgspec.json.encode(one) for one in files.messages(table, chosen, kind.form, source.default_country))
    for chunk in _chunks(encoded):
        experiment.file_inbox_id = inbox.store_lines(source.pk, chunk)
        sent += len(chunk)
    experiment.save(update_fields=["file_inbox_id"])
    enrol.mark(chosen.experiment)
    file.delete()
    return experiment, sent


def _chunks(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while chunk := list(islice(lines, CHUNK)):
        yield chunk
