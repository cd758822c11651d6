"""The form of one block: a head, then the columns, each as it lies in memory.

Person as a dense number (4 bytes), time within the day in milliseconds where that is exact (4 bytes), else in
microseconds (8), then a code (4 bytes) for each property.
"""

import struct
from dataclasses import dataclass
from typing import Self
from zlib import crc32

import numpy as np

DAY = 86_400_000_000  # microseconds
_HEAD = struct.Struct("<III")  # events, microseconds in a unit of time, properties


class Damaged(Exception):
    """A block isn't what was written."""


@dataclass(frozen=True)
class Packed:
    """Events of one day: parallel columns, `time` in microseconds since 1970, `codes` one column a property."""

    person: np.ndarray
    time: np.ndarray
    codes: tuple[np.ndarray, ...] = ()

    def chosen(self, rows: np.ndarray | slice) -> Self:
        return type(self)(self.person[rows], self.time[rows], tuple(column[rows] for column in self.codes))

    def in_order(self) -> Self:
        """By time."""
        return self if np.all(self.time[1:] >= self.time[:-1]) else self.chosen(np.argsort(self.time, kind="stable"))


def pack(events: Packed, day: int) -> bytes:
    offset = events.time - day * DAY
    unit = 1 if np.any(offset % 1000) else 1000
    times = (offset // unit).astype("<u4" if unit == 1000 else "<i8")
    columns = [events.person.astype("<u4"), times, *(column.astype("<i4") for column in events.codes)]
    return _HEAD.pack(len(events.person), unit, len(events.codes)) + b"".join(column.tobytes() for column in columns)


def unpack(body: bytes, day: int, wanted: tuple[int, ...], checksum: int) -> Packed:
    """The columns of a block, of its properties those at the positions `wanted`. Raises `Damaged`."""
    if crc32(body) != checksum:
        raise Damaged
    events, unit, properties = _HEAD.unpack_from(body)
    time_type = np.dtype("<u4" if unit == 1000 else "<i8")
    first = _HEAD.size + events * 4
    codes = first + events * time_type.itemsize
    if len(body) != codes + events * 4 * properties or any(position >= properties for position in wanted):
        raise Damaged
    time = np.frombuffer(body, time_type, events, first).astype(np.int64)
    return Packed(
        np.frombuffer(body, "<u4", events, _HEAD.size),
        time * unit + day * DAY,
        tuple(np.frombuffer(body, "<i4", events, codes + position * events * 4) for position in wanted),
    )


def together(parts: list[Packed]) -> Packed:
    return Packed(
        np.concatenate([part.person for part in parts]),
        np.concatenate([part.time for part in parts]),
        tuple(np.concatenate(columns) for columns in zip(*(part.codes for part in parts), strict=True)),
    )
