"""Everything that is known, out again as CSV or Parquet: streamed in batches, so memory is bounded however much there is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, LiteralString

import psycopg
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from django.db import connection, transaction

from profiles.message import message_id_of

ROWS = 20_000
_TIME = pa.timestamp("us", tz="UTC")


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row


def _with_message_id(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Rows begin with message key, source and kept text: together the message id as it was sent."""
    return message_id_of(row[0], row[1], row[2]), *row[3:]


@dataclass(frozen=True)
class Export:
    """What is read, which columns are written, and what is done to a row between."""

    query: LiteralString
    columns: pa.Schema
    shaped: Callable[[tuple[Any, ...]], tuple[Any, ...]] = _plain


EXPORTS = {
    "events": Export(
        """
        SELECT event.message_key, event.source_id, event.message_id, event.profile_id, event_name.type, event_name.name,
               event.time, coalesce(source.name, event.source_id::text), event.value, event.properties::text,
               event.context::text
        FROM event JOIN event_name ON event_name.id = event.name_id LEFT JOIN source ON source.id = event.source_id
        """,
        pa.schema([
            ("message_id", pa.string()), ("profile_id", pa.int64()), ("type", pa.string()), ("name", pa.string()),
            ("time", _TIME), ("source", pa.string()), ("value", pa.decimal128(30, 10)), ("properties", pa.string()),
            ("context", pa.string()),
        ]),
        _with_message_id,
    ),
    "profiles": Export(
        "SELECT id, first_seen, last_seen, identified, name, email, phone, traits::text FROM profile",
        pa.schema([
            ("profile_id", pa.int64()), ("first_seen", _TIME), ("last_seen", _TIME), ("identified", pa.bool_()),
            ("name", pa.string()), ("email", pa.string()), ("phone", pa.string()), ("traits", pa.string()),
        ]),
    ),
    "identity": Export(
        "SELECT message_key, source_id, message_id, profile_id FROM event",
        pa.schema([("message_id", pa.string()), ("profile_id", pa.int64())]),
        _with_message_id,
    ),
    "memberships": Export(
        """
        SELECT segment.name, membership.profile_id, membership.since
        FROM membership JOIN segment ON segment.id = membership.segment_id
        """,
        pa.schema([("segment", pa.string()), ("profile_id", pa.int64()), ("since", _TIME)]),
    ),
}  # fmt: skip


def export(what: str, format: str, out: IO[bytes], seen: Callable[[int], None] = lambda _: None) -> int:
    """Write `what` to `out` as of one moment; returns the rows. `seen` is told of each batch's."""
    chosen, written = EXPORTS[what], 0
    make = pa.csv.CSVWriter if format == "csv" else pa.parquet.ParquetWriter
    with make(out, chosen.columns) as writer:
        for batch in _batches(chosen):
            writer.write_batch(batch)
            written += batch.num_rows
            seen(batch.num_rows)
    return written


def _batches(chosen: Export) -> Iterator[pa.RecordBatch]:
    """A server-side cursor: one snapshot, `ROWS` at a time here."""
    with transaction.atomic(), connection.wrap_database_errors:
        connection.ensure_connection()
        with psycopg.ServerCursor(connection.connection, "export") as cursor:
            cursor.execute(chosen.query)
            while rows := cursor.fetchmany(ROWS):
                columns = zip(*map(chosen.shaped, rows), strict=True)
                yield pa.record_batch(
                    [pa.array(column, field.type) for column, field in zip(columns, chosen.columns, strict=True)],
                    schema=chosen.columns,
                )
