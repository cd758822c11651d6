"""A public data set, converted, replayed and drained: what the tests of real data share."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from cdp_site import sql
from tests.converters.lines import write
from tests.factories import SourceFactory

SHARED = Path(__file__).parents[3] / "shared" / "data"
_TOTALS = """
SELECT (SELECT count(*) FROM profile), (SELECT count(*) FROM identifier), (SELECT count(*) FROM event),
       (SELECT coalesce(sum(value), 0) FROM event), (SELECT count(*) FROM record), (SELECT count(*) FROM trait_value)
"""
_BY_IDENTIFIER = """
SELECT identifier.value, sum(event.value) FROM event JOIN identifier ON identifier.profile_id = event.profile_id
WHERE identifier.kind_id = %s GROUP BY identifier.value
"""
_LINES = "SELECT coalesce(sum(jsonb_array_length(properties -> 'products')), 0) FROM event"


def published(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the public data set {name} is not at ../shared/data", allow_module_level=True)
    return path


def rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rb") as raw:
        yield from csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline=""))


def converted(messages: Callable[[Path], Iterator[dict[str, Any]]], published: Path, folder: Path) -> tuple[Path, int]:
    """The data set as a file of messages, and how many they are."""
    path = folder / "messages.jsonl.gz"
    return path, write(path, messages(published))


def replay(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    call_command("replay", str(path), "--source", "Real", "--json")
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def make_source() -> None:
    SourceFactory(name="Real", default_country="GB")


def totals() -> tuple[Any, ...]:
    return sql.rows(_TOTALS)[0]


def revenue_by(kind: int) -> dict[str, Decimal]:
    return {value: Decimal(total) for value, total in sql.rows(_BY_IDENTIFIER, (kind,))}


def product_lines() -> int:
    return int(sql.rows(_LINES)[0][0])


def events(*names: str) -> int:
    found = sql.rows(
        "SELECT count(*) FROM event JOIN event_name ON event_name.id = name_id WHERE event_name.name = ANY(%s)",
        (list(names),),
    )
    return int(found[0][0])
