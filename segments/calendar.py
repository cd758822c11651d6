"""Days by the calendar of the company's time zone, for whole columns of moments."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

_SECOND = 1_000_000
DAY = 86_400 * _SECOND
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2500, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Clocks are never changed twice within this.
_STEP = timedelta(days=5)


@lru_cache(maxsize=16)
def _changes(zone: str, begin: datetime = _FIRST, end: datetime = _LAST) -> tuple[np.ndarray, np.ndarray]:
    """When the clocks of a zone are changed (microseconds since 1970), and how far from UTC they are from then on; the
    first is the beginning of time. Cost: some tenths of a second for all centuries, a hundredth for ten years; once."""
    clock = ZoneInfo(zone)

    def offset(seconds: int) -> int:
        return _microseconds((_EPOCH + timedelta(seconds=seconds)).astimezone(clock).utcoffset() or timedelta(0))

    first, last, step = (int(span.total_seconds()) for span in (begin - _EPOCH, end - _EPOCH, _STEP))
    at, offsets = [np.iinfo(np.int64).min], [offset(first)]
    for low in range(first, last, step):
        high = low + step
        if offset(high) == offsets[-1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if offset(middle) != offsets[-1] else (middle, high)
        at.append(high * _SECOND)
        offsets.append(offset(high))
    return np.array(at), np.array(offsets)


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def local_days(moments: np.ndarray, zone: str) -> np.ndarray:
    """The local date of each moment, in days since 1970."""
    if not len(moments):
        return np.zeros(0, np.int64)
    at, offsets = _changes(zone, *_decades(moments))
    return (moments + offsets[np.searchsorted(at, moments, side="right") - 1]) // DAY


def _decades(moments: np.ndarray) -> tuple[datetime, datetime]:
    """Beginnings of decades around all of them, with a year to spare."""
    ends = np.array([moments.min(), moments.max()], "datetime64[us]")
    years = ends.astype("datetime64[Y]").astype(np.int64) + 1970 + np.array([-1, 11])
    begin, end = (datetime(year, 1, 1, tzinfo=UTC) for year in np.clip(years // 10 * 10, 1900, 2500).tolist())
    return begin, end


def beginnings(days: np.ndarray, zone: str) -> list[np.ndarray]:
    """Moments (three for each day) among which is the first of that local day; where clocks are turned back over
    midnight a day begins twice, and both are among them."""
    at, offsets = _changes(zone)
    middle = days * DAY
    before = offsets[np.searchsorted(at, middle - DAY, side="right") - 1]
    place = np.searchsorted(at, middle + DAY, side="right") - 1
    return [middle - before, middle - offsets[place], np.maximum(at[place], -(2**62))]


def days_to_birthday(days: np.ndarray, birthdays: np.ndarray) -> np.ndarray:
    """How many days after each date (days since 1970) the next birthday is (month * 100 + day): 0 on the day itself."""
    year = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    this = birthday_in_year(year, birthdays)
    return np.where(this >= days, this, birthday_in_year(year + 1, birthdays)) - days


def birthday_in_year(years: np.ndarray, birthdays: np.ndarray) -> np.ndarray:
    """The birthday in each year (years since 1970), in days since 1970; 29 February becomes 1 March where there is none."""
    months = years * 12 + birthdays // 100 - 1
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + birthdays % 100 - 1
