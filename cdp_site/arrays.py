"""Whole columns as parameters, for `unnest`: arrays in PostgreSQL's binary form, made by NumPy.

psycopg writes an array an element at a time (0.5 to 1 µs each); a batch of the resolve stage has some 100,000 of them.
Use with `%b` placeholders: `unnest(%b::bigint[], %b::text[])`.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np
from psycopg import adapters
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = struct.Struct(">iiIii")
_LENGTH = struct.Struct(">i")
_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Column:
    """An array parameter, ready for the wire."""

    __slots__ = ("data",)
    element_oid = 0

    def __init__(self, count: int, body: bytes, *, nulls: bool = False) -> None:
        self.data = _HEAD.pack(1, nulls, self.element_oid, count, 1) + body


class Int8s(Column):
    element_oid = 20


class Int2s(Column):
    element_oid = 21


class Bools(Column):
    element_oid = 16


class Texts(Column):
    element_oid = 25


class Uuids(Column):
    element_oid = 2950


class Times(Column):
    element_oid = 1184


def int8s(values: Sequence[int] | np.ndarray) -> Int8s:
    """bigint[]"""
    return Int8s(len(values), _fixed(np.asarray(values, dtype=np.int64), ">i8"))


def int2s(values: Sequence[int] | np.ndarray) -> Int2s:
    """smallint[]"""
    return Int2s(len(values), _fixed(np.asarray(values, dtype=np.int16), ">i2"))


def bools(values: Sequence[bool]) -> Bools:
    """boolean[]"""
    return Bools(len(values), _fixed(np.asarray(values, dtype=np.int8), ">i1"))


def uuids(values: Sequence[bytes]) -> Uuids:
    """uuid[], each value its 16 bytes"""
    return Uuids(len(values), _fixed(np.frombuffer(b"".join(values), dtype="V16"), "V16"))


def times(values: Sequence[datetime]) -> Times:
    """timestamptz[], of datetimes that know their zone, exact to the microsecond."""
    spans = [value - _POSTGRES_EPOCH for value in values]
    micros = [(span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds for span in spans]
    return Times(len(micros), _fixed(np.asarray(micros, dtype=np.int64), ">i8"))


def texts(values: Iterable[str | None]) -> Texts:
    """text[], None for NULL"""
    parts: list[bytes] = []
    count = 0
    nulls = False
    for value in values:
        count += 1
        if value is None:
            nulls = True
            parts.append(b"\xff\xff\xff\xff")
        else:
            encoded = value.encode()
            parts += (_LENGTH.pack(len(encoded)), encoded)
    return Texts(count, b"".join(parts), nulls=nulls)


def _fixed(values: np.ndarray, kind: str) -> bytes:
    rows = np.empty(len(values), dtype=[("length", ">i4"), ("value", kind)])
    rows["length"] = np.dtype(kind).itemsize
    rows["value"] = values
    return rows.tobytes()


class _ColumnDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Column) -> Buffer:
        return obj.data


for _class, _oid in ((Int8s, 1016), (Int2s, 1005), (Bools, 1000), (Texts, 1009), (Uuids, 2951), (Times, 1185)):
    adapters.register_dumper(_class, type(f"{_class.__name__}Dumper", (_ColumnDumper,), {"oid": _oid}))
