"""Hillstrom's e-mail test as a file of enrolments and as messages: python -m tests.converters.hillstrom IN ARMS.csv OUT.gz

MineThatData's e-mail challenge (Kevin Hillstrom, 2008): 64,000 customers who had bought within a year, drawn into three
arms; visits, conversions and spend of the two weeks after.
- A customer is userId 'hillstrom-<line>': the file has no ids.
- The file of enrolments has the customer, the arm as published ('Mens E-Mail', 'Womens E-Mail', 'No E-Mail') and no moment:
  the data set has none, so all are enrolled at `SENT`.
- A visit is one 'page' message a day later; a conversion one 'Order Completed' with the spend as its total, in dollars, another
  day later. When in the two weeks they were isn't published.
"""

import csv
import gzip
import io
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.converters.lines import write

SENT = "2008-03-20T12:00:00+00:00"
_VISITED, _BOUGHT = "2008-03-21T12:00:00Z", "2008-03-22T12:00:00Z"


def rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(customer, line) in the file's order."""
    with gzip.open(path, "rb") as raw:
        for number, row in enumerate(csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline="")), 1):
            yield f"hillstrom-{number}", row


def arms(path: Path) -> bytes:
    """The file of enrolments."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["customer", "segment"])
    writer.writerows([customer, row["segment"]] for customer, row in rows(path))
    return out.getvalue().encode()


def messages(path: Path) -> Iterator[dict[str, Any]]:
    """What the customers did."""
    for customer, row in rows(path):
        if row["visit"] == "1":
            yield {
                "type": "page", "messageId": f"{customer}-visit", "userId": customer, "name": "Shop", "timestamp": _VISITED,
            }  # fmt: skip
        if row["conversion"] == "1":
            order = {"order_id": customer, "total": Decimal(row["spend"]), "currency": "USD"}
            yield {
                "type": "track", "event": "Order Completed", "messageId": f"{customer}-order", "userId": customer,
                "timestamp": _BOUGHT, "properties": order,
            }  # fmt: skip


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(arms(Path(sys.argv[1])))
    print(write(Path(sys.argv[3]), messages(Path(sys.argv[1]))), "messages")
