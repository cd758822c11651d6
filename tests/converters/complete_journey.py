"""The Complete Journey's till lines (CC0) as messages: python -m tests.converters.complete_journey IN.csv.gz OUT.jsonl.gz

- One basket is one 'Order Completed' at the till: order_id, total (sum of sales_value, what was paid), store, products.
- The household's loyalty card identifies: loyalty_card 'HH-<household>'; there is no user id at a till.
- A few published values carry the noise of binary fractions (2.9900000000000002): totals are rounded to the cent.
- A basket's time is its earliest line's; the file has no zone, it is taken as UTC. Currency USD.
The file is a sample of lines in random order, so it is grouped in memory (75,000 lines).
"""

import csv
import gzip
import io
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.converters.lines import amount, order, write

CENT = Decimal("0.01")


def messages(path: Path) -> Iterator[dict[str, Any]]:
    """One basket after the other, in order of time."""
    baskets: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(path, "rb") as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8", newline="")):
            baskets[row["basket_id"]].append(row)
    times = {number: min(line["transaction_timestamp"] for line in lines) for number, lines in baskets.items()}
    for number in sorted(baskets, key=lambda number: (times[number], number)):
        yield from _basket(number, times[number], baskets[number])


def _basket(number: str, at: str, lines: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    first = lines[0]
    total = sum((amount(line["sales_value"]) for line in lines), Decimal()).quantize(CENT)
    products = [
        {
            "product_id": line["product_id"], "quantity": amount(line["quantity"]), "paid": amount(line["sales_value"]),
            "loyalty_discount": amount(line["retail_disc"]),
        }
        for line in lines
    ]  # fmt: skip
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    yield from order(
        {
            "type": "track", "messageId": f"complete-journey-{number}", "timestamp": moment.isoformat(),
            "event": "Order Completed",
            "properties": {
                "order_id": number, "total": total, "currency": "USD",
                "store": first["store_id"], "loyalty_card": f"HH-{first['household_id']}", "channel": "till",
            },
        },
        products,
    )  # fmt: skip


if __name__ == "__main__":
    print(write(Path(sys.argv[2]), messages(Path(sys.argv[1]))), "messages")
