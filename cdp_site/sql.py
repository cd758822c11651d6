"""The fast way to the database: server-side binding, bulk writes by COPY, bulk reads as packed NumPy arrays."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, LiteralString

import numpy as np
import psycopg
from django.db import OperationalError, connection, transaction
from psycopg import sql

_TYPES = {"i8": "int8", "i4": "int4", "i2": "int2", "f8": "float8", "time": "timestamptz", "text": "text"}
_POSTGRES_EPOCH = 946_684_800_000_000  # microseconds from 1970 to 2000

_until: ContextVar[float | None] = ContextVar("until", default=None)


class OutOfTime(Exception):
    """What was to be answered `within` so many seconds wasn't."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give all that is asked through this module so many seconds together, in one transaction; then raise `OutOfTime`.

    The server cuts the statement that runs at that moment. Cost: a short round trip more for each statement.
    """
    token = _until.set(time.monotonic() + seconds)
    try:
        with transaction.atomic():
            yield
            with connection.cursor() as plain:  # a transaction around this one goes on without it
                plain.execute("SET LOCAL statement_timeout TO DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise OutOfTime from error
        raise
    finally:
        _until.reset(token)


def _limit(fast: psycopg.Cursor[Any], until: float) -> None:
    left = int((until - time.monotonic()) * 1000)
    if left <= 0:
        raise OutOfTime
    fast.execute("SELECT set_config('statement_timeout', %s, true)", (str(left),), prepare=True)


@contextmanager
def cursor() -> Iterator[psycopg.Cursor[Any]]:
    """A psycopg cursor with server-side binding on Django's connection (so inside its transaction), raising its errors."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as fast:
        if (until := _until.get()) is not None:
            _limit(fast, until)
        yield fast


def rows(
    query: LiteralString, parameters: Sequence[Any] | dict[str, Any] = (), *, binary: bool = False
) -> list[tuple[Any, ...]]:
    """All rows of a small answer. (jsonb comes as its text: Django has psycopg leave it alone.)

    `binary`: for answers with many times, which are several times quicker read so.
    """
    with cursor() as fast:
        return fast.execute(query, parameters, prepare=True, binary=binary).fetchall()


def copy_rows(table: str, columns: Sequence[str], values: Iterable[Sequence[Any]]) -> None:
    """COPY rows into `table` (text format: strings, numbers, None, datetimes, lists). One round trip."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cursor() as fast, fast.copy(statement) as copy:
        for row in values:
            copy.write_row(row)


def copy_text(table: str, columns: Sequence[str], text: bytes) -> None:
    """COPY rows already written in COPY's text format (see `escape`): several times quicker than `copy_rows`."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cursor() as fast, fast.copy(statement) as copy:
        copy.write(text)


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def escape(text: str) -> str:
    """A value for COPY's text format."""
    return text.translate(_ESCAPES)


def packed(query: str, parameters: Sequence[Any] | Mapping[str, Any], columns: Sequence[tuple[str, str]]) -> np.ndarray:
    """The answer of `query` as one structured array, packed in the server: about 0.1 µs a row and column.

    `columns` gives (name, type) with types i8, i4, i2, f8, time (microseconds since 1970, as i8) or text, in the order of
    the query's columns; none but text may be NULL (coalesce in the query). Texts come as Python's, some 0.3 µs each.
    Memory: the answer twice, here and in the server.
    """
    packs = sql.SQL(", ").join(
        sql.SQL("array_agg({})" if kind == "text" else "array_send(array_agg({}::{}))").format(
            sql.Identifier(name), sql.SQL(_TYPES[kind])
        )
        for name, kind in columns
    )
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns)
    statement = sql.SQL("SELECT {} FROM ({}) AS answer ({})").format(packs, sql.SQL(query), names)
    with cursor() as fast:
        fast.execute(statement, parameters or None, binary=True)
        found = fast.fetchone() or ()
    bodies = [_column(column, kind) for column, (_, kind) in zip(found, columns, strict=True)]
    kinds = {"time": "=i8", "text": "O"}
    answer = np.empty(len(bodies[0]), dtype=[(name, kinds.get(kind, f"={kind}")) for name, kind in columns])
    for (name, _), body in zip(columns, bodies, strict=True):
        answer[name] = body
    return answer


def _column(sent: Any, kind: str) -> Any:
    if kind == "text":
        return sent or []
    # 20 bytes of head; then each value with its length before it.
    layout = [("length", ">i4"), ("value", ">i8" if kind == "time" else f">{kind}")]
    values = np.frombuffer(sent or b"", dtype=layout, offset=20 if sent else 0)["value"]
    return values + _POSTGRES_EPOCH if kind == "time" else values
