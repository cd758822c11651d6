"""Steps counted by parts make the chain that the journeys themselves make, in every order up to the counted one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from campaigns.attribution.models.chain import chain
from campaigns.attribution.steps import joined, steps
from tests.property.test_models import PLACES, Row, journeys, rows


@given(st.lists(rows(), max_size=3), st.integers(1, 3))
def test_parts_joined_make_the_chain_of_the_whole(parts: list[list[Row]], order: int) -> None:
    known = [[placed(row) for row in part] for part in parts]
    whole = journeys([row for part in known for row in part])
    counted = joined([steps(one, one.channel, PLACES, order) for one in map(journeys, known)], PLACES, order)
    for lower in range(1, order + 1):
        found, expected = counted.chain(lower), chain(whole, whole.channel, PLACES, lower)
        assert found.places.tolist() == expected.places.tolist()
        assert len(found.last) == len(expected.last)
        np.testing.assert_allclose(found.worth, expected.worth)
        np.testing.assert_allclose(found.start, expected.start)
        np.testing.assert_allclose(found.gain, expected.gain)
        np.testing.assert_allclose(found.steps.toarray(), expected.steps.toarray())
        np.testing.assert_allclose(found.lost, expected.lost, atol=1e-12)


def placed(row: Row) -> Row:
    """One journey of its own, each touch of which has a place."""
    touches, converted, value, _ = row
    return [(max(place, 0), age) for place, age in touches], converted, value, 1
