"""Keys made by the application: in order, apart, and telling their time."""

from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

import pytest

from cdp_site import ids


@pytest.fixture(autouse=True)
def _unmoved_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests move the clock, and keys never go back: begin where the clock is."""
    monkeypatch.setattr(ids, "_last", 0)


def test_keys_are_in_the_order_of_their_making() -> None:
    made = [ids.new_id() for _ in range(10_000)]
    assert made == sorted(set(made))


def test_a_range_of_keys_is_not_given_twice() -> None:
    first, second = ids.new_ids(5_000), ids.new_ids(5_000)
    assert len(first) == 5_000
    assert max(first) < min(second)


def test_a_key_tells_when_it_was_made() -> None:
    now = datetime.now(UTC)
    assert abs(ids.made_at(ids.new_id()) - now) < timedelta(seconds=30)
    assert ids.first_at(now - timedelta(minutes=1)) < ids.new_id() < ids.first_at(now + timedelta(minutes=1))


def test_keys_fit_into_64_bits_until_2089() -> None:
    assert ids.first_at(datetime(2089, 1, 1, tzinfo=UTC)) < 2**63


def test_a_forked_process_makes_keys_of_its_own() -> None:
    ids.new_id()
    with get_context("fork").Pool(2) as pool:
        made = pool.map(_some, [0, 1], chunksize=1)
    mine = set(ids.new_ids(2_000))
    assert len(mine | set(made[0]) | set(made[1])) == 6_000


def _some(_: int) -> list[int]:
    return list(ids.new_ids(2_000))
