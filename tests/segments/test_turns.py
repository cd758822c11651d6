"""What somebody types on replaces what their page asked before, in whichever process that is being answered."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from cdp_site import sql
from segments import preview, turns
from segments.rules import Known, Trait
from segments.turns import Turn
from tests.segments.world import person

SLOW, QUICK = Trait("country", "is", "ES"), Known("email")
_HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = %s AND objid::bigint = %s"


class Asked(threading.Thread):
    """A question on a connection of its own."""

    def __init__(self, turn: Turn, ask: Callable[[Turn], object]) -> None:
        super().__init__()
        self.turn, self.ask, self.answer = turn, ask, [object()]
        self.start()
        while not sql.rows(_HELD, (turn.page, turn.number))[0][0]:
            time.sleep(0.01)  # pytest-timeout ends it

    def run(self) -> None:
        try:
            self.answer = [self.ask(self.turn)]
        finally:
            connection.close()


@pytest.fixture
def slow(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    person(country="ES")
    monkeypatch.setattr("segments.load.condition", lambda *_: "(SELECT true FROM pg_sleep(60))")
    monkeypatch.setattr(preview, "SECONDS", 60.0)
    yield
    connection.close()


@pytest.mark.usefixtures("slow")
def test_a_newer_question_of_the_same_page_stops_the_older_one_and_no_other() -> None:
    started = time.monotonic()
    older = Asked(Turn(7, 2), lambda turn: preview.counted(SLOW, turn))
    assert preview.counted(QUICK, Turn(8, 9)) is not None, "another page's"
    assert preview.counted(QUICK) is not None, "one without a page"
    assert preview.counted(QUICK, Turn(7, 1)) is None, "one that came late"
    assert older.is_alive()
    assert preview.counted(QUICK, Turn(7, 3)) is not None
    older.join(20)
    assert older.answer == [None]
    assert time.monotonic() - started < 30


@pytest.mark.usefixtures("slow")
def test_the_rest_of_the_preview_is_stopped_likewise() -> None:
    older = Asked(Turn(7, 1), lambda turn: preview.further(SLOW, turn=turn))
    assert preview.counted(QUICK, Turn(7, 2)) is not None
    older.join(20)
    assert older.answer == [preview.Further(whole=False)]


@pytest.mark.parametrize(
    ("page", "number"), [("", "1"), ("a", ""), ("a", "0"), ("a", "-1"), ("a", "x"), ("a", "9" * 30)]
)
def test_a_page_that_says_no_turn_has_none(page: str, number: str) -> None:
    assert turns.of(1, page, number) is None


def test_everybody_has_pages_of_their_own() -> None:
    one, again, other = turns.of(1, "a", "1"), turns.of(1, "a", "2"), turns.of(2, "a", "1")
    assert one and again and other
    assert one.page == again.page != other.page
