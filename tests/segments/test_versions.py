"""A live rule and a draft beside it; every version kept; going back makes a new one."""

import pytest

from segments import changes, versions
from segments.models import Segment
from segments.rules import Rule, Trait, to_json
from tests.factories import account
from tests.segments.world import filled, inside, person

pytestmark = pytest.mark.django_db
SPAIN, FRANCE, ITALY = (Trait("country", "is", code) for code in ("ES", "FR", "IT"))


def segment(rule: Rule = SPAIN, *, live: bool = True) -> Segment:
    return changes.create("Here", rule, live=live)


def test_a_draft_changes_nobody_until_it_is_published() -> None:
    ana, ben = person(country="ES"), person(country="FR")
    here = segment()
    filled()
    assert versions.save_draft(here, FRANCE)
    filled()
    assert (here.rule, inside(here)) == (to_json(SPAIN), {ana})
    assert versions.publish(here)
    filled()
    here.refresh_from_db()
    assert (here.rule, here.draft, here.version, inside(here)) == (to_json(FRANCE), None, 2, {ben})


def test_a_draft_remembers_who_and_when_and_can_be_discarded() -> None:
    here, ada = segment(), account("Marketer")
    versions.save_draft(here, FRANCE, ada)
    assert here.draft_by == ada and here.draft_at is not None
    versions.discard_draft(here)
    assert (here.draft, here.draft_by, here.draft_at, here.rule) == (None, None, None, to_json(SPAIN))
    assert not versions.publish(here)


def test_a_draft_of_the_live_rule_is_none() -> None:
    here = segment()
    versions.save_draft(here, FRANCE)
    assert not versions.save_draft(here, SPAIN)
    assert here.draft is None


def test_publishing_puts_a_segment_live_that_never_was() -> None:
    ana = person(country="ES")
    here = segment(live=False)
    filled()
    assert inside(here) == set()
    assert versions.publish(here)
    filled()
    here.refresh_from_db()
    assert (here.status, here.version, inside(here)) == (Segment.Status.LIVE, 1, {ana})


def test_going_back_makes_a_new_version_and_says_so() -> None:
    here, ada = segment(), account("Marketer")
    changes.save_rule(here, FRANCE, ada)
    filled()
    assert versions.go_back(here, 1, ada)
    filled()
    here.refresh_from_db()
    assert (here.version, here.rule) == (3, to_json(SPAIN))
    newest, second, first = versions.history(here)
    assert (newest.number, newest.repeats, newest.live, newest.by) == (3, 1, True, ada.get_full_name() or ada.username)
    assert [(one.number, one.repeats, one.live) for one in (second, first)] == [(2, None, False), (1, None, False)]
    assert not versions.go_back(here, 3)


def test_going_back_leaves_the_draft() -> None:
    here = segment()
    changes.save_rule(here, FRANCE)
    versions.save_draft(here, ITALY)
    versions.go_back(here, 1)
    assert here.draft == to_json(ITALY)


def test_each_version_says_what_it_changed() -> None:
    here = segment()
    changes.save_rule(here, FRANCE)
    second, first = versions.history(here)
    assert [(line.said, line.says) for line in second.lines] == [("have country “ES”", "have country “FR”")]
    assert (first.lines, first.sentence) == ((), "People who have country “ES”.")


def test_any_two_can_be_compared_the_draft_too() -> None:
    here = segment()
    changes.save_rule(here, FRANCE)
    versions.save_draft(here, ITALY)
    assert [value for value, _ in versions.names(here)] == ["draft", "2", "1"]
    (line,) = versions.compared(here, "1", "draft")
    assert (line.said, line.says) == ("have country “ES”", "have country “IT”")


@pytest.mark.parametrize("which", ["", "7", "²", "draft", "-1", "9" * 30])
def test_a_version_that_there_is_not_is_said(which: str) -> None:
    with pytest.raises(versions.NoVersion):
        versions.compared(segment(), "1", which)


def test_a_rule_that_can_not_be_read_is_said_and_stops_no_list() -> None:
    here = segment()
    changes.save_rule(here, FRANCE)
    here.versions.filter(number=1).update(rule={"did": 3})
    second, first = versions.history(here)
    assert second.lines == ()
    assert first.sentence.startswith("This rule can't be read: ")
