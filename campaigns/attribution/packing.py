"""The form of a packed day: a head, then the columns of its journeys and touches, each as it lies in memory. Pure.

Twelve bytes a journey and two for its flags and length, eight for a value where there is one; five a touch, for its age and
its place among the day's origins. Journeys are in order of (profile, id), touches in order of time.
"""

import struct
from dataclasses import dataclass
from typing import Self

import numpy as np

# Bits of a journey's flags; its device is above them.
CONVERTED, NEW, OTHER_CURRENCY, VALUED, GIVEN_BACK = 1, 2, 4, 8, 16
_DEVICE = 5  # bits to the left
_KIND = 28  # bits to the left of an origin's number: that is at most 100,000
_ORIGIN = (1 << _KIND) - 1
# Form, journeys, touches, values, values given back, origins; bytes of a length and of a touch's place among the origins.
_HEAD = struct.Struct("<4sIIIIIHH")
_FORM = b"TJ01"
_WHOLE = {1: "<u1", 2: "<u2", 4: "<u4"}


class Damaged(Exception):
    """A packed day isn't what was written."""


@dataclass(frozen=True)
class Packed:
    """Journeys as columns: `profile` (int64), `time` (uint32, seconds since 1970), `flags` (uint8), `lengths` (touches),
    `values` and `backs` (int64, millionths) only of those that have one; of each touch `origins` (uint32: origin and kind)
    and `ages` (int32, seconds before the journey's moment)."""

    profile: np.ndarray
    time: np.ndarray
    flags: np.ndarray
    lengths: np.ndarray
    values: np.ndarray
    backs: np.ndarray
    origins: np.ndarray
    ages: np.ndarray

    def __len__(self) -> int:
        return len(self.profile)

    @classmethod
    def together(cls, parts: list[Self]) -> Self:
        """One after the other."""
        names = cls.__dataclass_fields__
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    @property
    def converted(self) -> np.ndarray:
        return (self.flags & CONVERTED) > 0

    @property
    def new(self) -> np.ndarray:
        return (self.flags & NEW) > 0

    @property
    def other_currency(self) -> np.ndarray:
        return (self.flags & OTHER_CURRENCY) > 0

    @property
    def device(self) -> np.ndarray:
        return (self.flags >> _DEVICE).astype(np.int8)

    @property
    def value(self) -> np.ndarray:
        return _spread(self.flags & VALUED, self.values)

    @property
    def back(self) -> np.ndarray:
        return _spread(self.flags & GIVEN_BACK, self.backs)

    @property
    def origin(self) -> np.ndarray:
        return self.origins & _ORIGIN

    @property
    def kind(self) -> np.ndarray:
        return (self.origins >> _KIND).astype(np.int8)


def packed(
    profile: np.ndarray, time: np.ndarray, converted: np.ndarray, new: np.ndarray, other_currency: np.ndarray,
    device: np.ndarray, value: np.ndarray, back: np.ndarray, lengths: np.ndarray,
    origin: np.ndarray, kind: np.ndarray, age: np.ndarray,
) -> Packed:  # fmt: skip
    """Columns as they are packed. `time` in microseconds; `value` and `back` of every journey."""
    bits = ((converted, CONVERTED), (new, NEW), (other_currency, OTHER_CURRENCY), (value, VALUED), (back, GIVEN_BACK))
    flags = np.left_shift(device.astype(np.uint8), _DEVICE)
    for column, bit in bits:
        flags |= (column != 0).astype(np.uint8) * np.uint8(bit)
    origins = origin.astype(np.uint32) | np.left_shift(kind.astype(np.uint32), _KIND)
    return Packed(
        profile.astype(np.int64), (time // 1_000_000).astype(np.uint32), flags, lengths, value[value != 0], back[back != 0],
        origins, age.astype(np.int32),
    )  # fmt: skip


def nothing() -> Packed:
    zero = np.zeros(0, np.int64)
    return packed(zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero)


def pack(day: Packed) -> bytes:
    origins, places = np.unique(day.origins, return_inverse=True)
    length, place = _width(int(day.lengths.max(initial=0))), _width(len(origins))
    head = _HEAD.pack(
        _FORM, len(day), len(day.origins), len(day.values), len(day.backs), len(origins), length, place
    )  # fmt: skip
    columns = [
        day.profile.astype("<i8"), day.values.astype("<i8"), day.backs.astype("<i8"), day.time.astype("<u4"),
        origins.astype("<u4"), day.ages.astype("<i4"), places.astype(_WHOLE[place]), day.lengths.astype(_WHOLE[length]),
        day.flags.astype("u1"),
    ]  # fmt: skip
    return head + b"".join(column.tobytes() for column in columns)


def _width(most: int) -> int:
    """Bytes that such a number takes."""
    return 1 if most < 2**8 else 2 if most < 2**16 else 4


def unpack(body: bytes) -> Packed:
    """The columns; all but the origins lie in `body`, and keep it. Raises `Damaged`."""
    if len(body) < _HEAD.size:
        raise Damaged
    form, journeys, touches, values, backs, origins, length, place = _HEAD.unpack_from(body)
    if form != _FORM or length not in _WHOLE or place not in _WHOLE:
        raise Damaged
    layout = (
        ("profile", "<i8", journeys), ("values", "<i8", values), ("backs", "<i8", backs), ("time", "<u4", journeys),
        ("origins", "<u4", origins), ("ages", "<i4", touches), ("places", _WHOLE[place], touches),
        ("lengths", _WHOLE[length], journeys), ("flags", "u1", journeys),
    )  # fmt: skip
    found, at = {}, _HEAD.size
    if len(body) != at + sum(np.dtype(kind).itemsize * count for _, kind, count in layout):
        raise Damaged
    for name, kind, count in layout:
        found[name] = np.frombuffer(body, kind, count, at)
        at += found[name].nbytes
    places = found.pop("places")
    if touches and int(places.max()) >= origins:
        raise Damaged
    found["origins"] = found["origins"][places]
    return Packed(**found)


def _spread(flags: np.ndarray, values: np.ndarray) -> np.ndarray:
    found = np.zeros(len(flags), np.int64)
    found[flags > 0] = values
    return found
