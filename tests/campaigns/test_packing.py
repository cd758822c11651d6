"""The form of a packed day: what was put in comes out, and nothing else is taken for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.attribution.packing import Damaged, Packed, pack, packed, unpack

journey = st.tuples(
    st.integers(1, 2**62), st.integers(0, 4_000_000_000), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 5),
    st.sampled_from([0, 1, 19_990_000, -5, 2**60]), st.sampled_from([0, 0, 7, 2**50]),
    st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 3), st.integers(0, 2**31 - 1)), max_size=4),
)  # fmt: skip


def built(rows: list[tuple]) -> Packed:
    columns = [np.array([row[place] for row in rows], np.int64) for place in range(8)]
    touches = [touch for row in rows for touch in row[8]]
    profile, time, *rest = columns
    return packed(
        profile, time * 1_000_000, *rest, np.array([len(row[8]) for row in rows], np.int64),
        *(np.array([touch[place] for touch in touches], np.int64) for place in range(3)),
    )  # fmt: skip


@given(st.lists(journey, max_size=8))
def test_what_was_packed_comes_out(rows: list[tuple]) -> None:
    found = unpack(pack(built(rows)))
    told = zip(
        found.profile.tolist(), found.time.tolist(), found.converted.tolist(), found.new.tolist(),
        found.other_currency.tolist(), found.device.tolist(), found.value.tolist(), found.back.tolist(), strict=True,
    )  # fmt: skip
    assert list(told) == [row[:8] for row in rows]
    touches = zip(found.origin.tolist(), found.kind.tolist(), found.ages.tolist(), strict=True)
    assert list(touches) == [touch for row in rows for touch in row[8]]
    assert found.lengths.tolist() == [len(row[8]) for row in rows]


@pytest.mark.parametrize("touches", [255, 256, 65_535, 65_536])
def test_long_journeys_have_wider_lengths(touches: int) -> None:
    assert unpack(pack(built([(1, 0, True, False, False, 0, 0, 0, [(1, 0, 0)] * touches)]))).lengths.tolist() == [
        touches
    ]


def test_what_was_cut_off_is_damaged() -> None:
    body = pack(built([(1, 0, True, False, False, 0, 5, 0, [(1, 0, 0)])]))
    for wrong in (b"", body[:-1], body + b"x", b"XXXX" + body[4:]):
        with pytest.raises(Damaged):
            unpack(wrong)
