"""FEBRL's synthetic person records (BSD) as messages: python -m tests.converters.febrl IN.csv.gz OUT.jsonl.gz

- One record is one 'identify' from a system of its own: its `rec_id` is an external id, which two records never share, so
  that each becomes a person. Which records are one person (`rec-N-…`) is the truth that tests hold the matcher against.
- given_name, surname, date_of_birth are traits; street_number with address_1, and address_2, are the address's street,
  suburb its city, postcode its postalCode, state its state (Segment's spec).
- soc_sec_id is left out: a company's customers don't come with a number that the state gave them.
- Empty fields are left out. All messages have one time: the file has none.
"""

import csv
import gzip
import io
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from tests.converters.lines import write

TIME = "2026-01-01T12:00:00Z"


def records(path: Path) -> Iterator[dict[str, str]]:
    """The file's rows, the blanks after its commas taken off."""
    with gzip.open(path, "rb") as raw:
        rows = csv.reader(io.TextIOWrapper(raw, "utf-8", newline=""), skipinitialspace=True)
        head = [name.strip() for name in next(rows)]
        for row in rows:
            yield dict(zip(head, (value.strip() for value in row), strict=True))


def messages(path: Path) -> Iterator[dict[str, Any]]:
    for record in records(path):
        street = " ".join(filter(None, (record["street_number"], record["address_1"])))
        address = {
            "street": ", ".join(filter(None, (street, record["address_2"]))), "city": record["suburb"],
            "postalCode": record["postcode"], "state": record["state"],
        }  # fmt: skip
        traits = {
            "firstName": record["given_name"], "lastName": record["surname"], "birthday": record["date_of_birth"],
            "address": {name: value for name, value in address.items() if value},
        }  # fmt: skip
        yield {
            "type": "identify", "messageId": f"febrl-{record['rec_id']}", "timestamp": TIME,
            "context": {"externalIds": [{"type": "febrl", "id": record["rec_id"]}]},
            "traits": {name: value for name, value in traits.items() if value},
        }  # fmt: skip


def person(rec_id: str) -> str:
    """Whose record it is, in truth."""
    return rec_id.split("-")[1]


def true_pairs(rec_ids: list[str]) -> set[tuple[str, str]]:
    """All pairs of records that are one person's, each in order."""
    by_person: dict[str, list[str]] = {}
    for rec_id in sorted(rec_ids):
        by_person.setdefault(person(rec_id), []).append(rec_id)
    return {pair for some in by_person.values() for pair in combinations(some, 2)}


if __name__ == "__main__":
    print(write(Path(sys.argv[2]), messages(Path(sys.argv[1]))), "messages")
