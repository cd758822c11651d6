"""Online Retail 2010-2011 (UCI, CC BY 4.0) as messages: python -m tests.converters.online_retail IN.csv.gz OUT.jsonl.gz

- One invoice is one 'Order Completed' with order_id, total and its lines as products (exact duplicates are lines too, as
  published). Long invoices go on in 'Order Products Added' messages, without a total: the order is counted once.
- A cancellation (InvoiceNo begins with C) is one 'Order Refunded', total negative: the totals of all events add up to the
  file's Quantity x UnitPrice to the cent. Bad-debt adjustments (A) are Order Completed with their published amount.
- A line's customer is userId; an invoice without one is a stranger of its own: anonymousId 'invoice-<number>'.
- Times are the shop's (Europe/London), written as UTC. The file has no currency: GBP.
"""

import csv
import gzip
import io
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.converters.lines import amount, order, write

LONDON = ZoneInfo("Europe/London")


def messages(path: Path) -> Iterator[dict[str, Any]]:
    """One invoice after the other, as they first appear: grouped in memory, for one invoice's lines are not all together."""
    invoices: dict[str, list[list[str]]] = defaultdict(list)
    with gzip.open(path, "rb") as raw:
        rows = csv.reader(io.TextIOWrapper(raw, "utf-8", newline=""))
        head = next(rows)
        for row in rows:
            invoices[row[0]].append(row)
    for number, lines in invoices.items():
        yield from _invoice(number, [dict(zip(head, line, strict=True)) for line in lines])


def _invoice(number: str, lines: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    first = lines[0]
    moment = datetime.fromisoformat(first["InvoiceDate"]).replace(tzinfo=LONDON).astimezone(UTC)
    total = sum(int(line["Quantity"]) * amount(line["UnitPrice"]) for line in lines)
    products = [
        {
            "product_id": line["StockCode"], "name": line["Description"], "quantity": int(line["Quantity"]),
            "price": amount(line["UnitPrice"]),
        }
        for line in lines
    ]  # fmt: skip
    customer = first["CustomerID"]
    who = {"userId": customer} if customer else {"anonymousId": f"invoice-{number}"}
    refund = number.startswith("C")
    yield from order(
        {
            "type": "track", "messageId": f"online-retail-{number}", "timestamp": moment.isoformat(), **who,
            "event": "Order Refunded" if refund else "Order Completed",
            "properties": {"order_id": number, "total": total, "currency": "GBP", "country": first["Country"]},
        },
        products,
    )  # fmt: skip


if __name__ == "__main__":
    print(write(Path(sys.argv[2]), messages(Path(sys.argv[1]))), "messages")
