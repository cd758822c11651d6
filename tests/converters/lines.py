"""What the converters share: messages written as gzip-compressed JSON lines, none above the limit of 32 KB."""

import gzip
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

# Below the 32 KB that one message may have, with room for its other fields.
MOST_PRODUCT_BYTES = 28_000
encode = msgspec.json.Encoder(decimal_format="number").encode


def write(path: Path, messages: Iterable[dict[str, Any]]) -> int:
    """Write `messages`; returns how many. The same messages give the same bytes."""
    count = 0
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3, mtime=0, filename="") as out:
        for message in messages:
            out.write(encode(message) + b"\n")
            count += 1
    return count


def parts(products: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The lines of an order, cut so that each part fits into one message."""
    found: list[list[dict[str, Any]]] = [[]]
    size = 0
    for product in products:
        length = len(encode(product)) + 1
        if size + length > MOST_PRODUCT_BYTES:
            found.append([])
            size = 0
        found[-1].append(product)
        size += length
    return found


def order(message: dict[str, Any], products: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """The order's message with its first part of products, then 'Order Products Added' messages with the others.

    So an order is one order event with the whole total, however many lines it has: one till or invoice in a few
    hundred is longer than one message may be.
    """
    first, *others = parts(products)
    properties = message["properties"]
    yield message | {"properties": properties | {"products": first, "lines": len(products)}}
    for number, part in enumerate(others, 2):
        yield message | {
            "messageId": f"{message['messageId']}-part-{number}",
            "event": "Order Products Added",
            "properties": {"order": properties["order_id"], "part": number, "products": part},
        }


def amount(text: str) -> Decimal:
    return Decimal(text)
