"""The fast way to the database says the same as the slow one."""

import time
from datetime import UTC, datetime

import numpy as np
import pytest
from django.db import DataError
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cdp_site import arrays, sql

numbers = st.integers(-(2**63), 2**63 - 1)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
words = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


class Columns(TestCase):
    @given(st.lists(st.tuples(numbers, words, moments, st.binary(min_size=16, max_size=16), st.booleans())))
    def test_what_goes_in_comes_out(self, rows: list[tuple[int, str | None, datetime, bytes, bool]]) -> None:
        ids, texts, times, keys, flags = zip(*rows, strict=True) if rows else ((), (), (), (), ())
        found = sql.rows(
            "SELECT * FROM unnest(%b::bigint[], %b::text[], %b::timestamptz[], %b::uuid[], %b::boolean[])",
            (arrays.int8s(ids), arrays.texts(texts), arrays.times(times), arrays.uuids(keys), arrays.bools(flags)),
        )
        assert [(id, text, time, key.bytes, flag) for id, text, time, key, flag in found] == rows

    @given(st.lists(st.tuples(numbers, st.floats(allow_nan=False))))
    def test_packed_reads_what_rows_reads(self, rows: list[tuple[int, float]]) -> None:
        ids, floats = ([row[0] for row in rows], [row[1] for row in rows])
        packed = sql.packed(
            "SELECT * FROM unnest(%s::bigint[], %s::float8[])", (ids, floats), [("id", "i8"), ("number", "f8")]
        )
        assert packed.dtype.names == ("id", "number")
        assert np.array_equal(packed["id"], np.array(ids, dtype=np.int64))
        assert np.array_equal(packed["number"], np.array(floats, dtype=np.float64))

    @given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
    def test_escaped_text_survives_copy(self, text: str) -> None:
        with sql.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE IF NOT EXISTS trial (text text) ON COMMIT DELETE ROWS")
            cursor.execute("TRUNCATE trial")
        sql.copy_text("trial", ["text"], f"{sql.escape(text)}\n".encode())
        assert sql.rows("SELECT text FROM trial") == [(text,)]


@pytest.mark.django_db
def test_errors_are_djangos() -> None:
    with pytest.raises(DataError):
        sql.rows("SELECT %s::integer", ("no number",))


_TIMEOUT = "SELECT current_setting('statement_timeout')"


@pytest.mark.django_db
def test_a_statement_that_takes_longer_than_there_is_time_is_cut() -> None:
    before, started = sql.rows(_TIMEOUT), time.monotonic()
    with pytest.raises(sql.OutOfTime), sql.within(0.2):
        sql.rows("SELECT pg_sleep(30)")
    assert time.monotonic() - started < 10
    assert sql.rows(_TIMEOUT) == before


@pytest.mark.django_db
def test_many_short_statements_have_the_time_together() -> None:
    def ask() -> None:
        with sql.within(0.2):
            for _ in range(1_000):
                sql.packed("SELECT 1 FROM pg_sleep(0.03)", (), [("one", "i8")])

    with pytest.raises(sql.OutOfTime):
        ask()


@pytest.mark.django_db
def test_what_is_in_time_is_answered_and_limits_nothing_after_it() -> None:
    before = sql.rows(_TIMEOUT)
    with sql.within(60):
        assert sql.rows("SELECT 1") == [(1,)]
        assert sql.rows(_TIMEOUT) != before
    assert sql.rows(_TIMEOUT) == before


@pytest.mark.django_db
def test_other_errors_within_a_time_are_what_they_are() -> None:
    with pytest.raises(DataError), sql.within(60):
        sql.rows("SELECT %s::integer", ("no number",))
