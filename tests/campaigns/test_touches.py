"""Sessions and touchpoints by example, and equal to plain Python on whatever happens."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.attribution.origins import Texts
from campaigns.attribution.touches import HIT, Hits, Touches, touches
from campaigns.attribution.values import Device, Touch
from tests.campaigns import plain
from tests.campaigns.plain import MINUTE, Hit

DIRECT = Texts(category="web")
SEARCH = Texts(category="web", referrer="google.com")
SPRING = Texts(category="web", source="google", medium="cpc", campaign_name="spring")
SUMMER = Texts(category="web", source="google", medium="cpc", campaign_name="summer")
AD = Texts(category="ads", event="ad clicked", source="google", campaign_name="spring")
BANNER = Texts(category="ads", event="ad viewed", source="google", campaign_name="spring")
MAIL = Texts(category="email", event="email clicked", campaign_name="news of may")
CALL = Texts(category="help", event="phone call")
SAID = Texts(category="other", event="touchpoint", said="partner")
KINDS = {AD: Touch.CLICK, BANNER: Touch.VIEW, MAIL: Touch.CLICK, CALL: Touch.OFFLINE, SAID: Touch.CLICK}


def hit(minute: float, origin: Texts, *, click: str = "", device: int = 0) -> Hit:
    time = int(minute * MINUTE)
    if origin in KINDS:
        return Hit(time, 0, KINDS[origin], origin, click, device=device, outright=origin == SAID)
    said = bool(origin.source or click)
    return Hit(time, 0, HIT, origin, click, f"{origin[3:7]} {click}" if said else "", device)


def columns(people: Sequence[Sequence[Hit]]) -> tuple[Hits, list[Texts]]:
    """Hits of person 1, 2, … as columns, with ids in order of time where they have none."""
    rows = [
        (person, one.time, one.id or place, one)
        for person, hits in enumerate(people, 1)
        for place, one in enumerate(sorted(hits, key=lambda each: (each.time, each.id)), 1)
    ]
    rows.sort(key=lambda row: row[:3])
    origins: dict[Texts, int] = {}
    numbers: dict[str, dict[str, int]] = {"click": {"": 0}, "sign": {"": 0}}

    def numbered(of: str, text: str) -> int:
        return numbers[of].setdefault(text, len(numbers[of]))

    hits = Hits(
        profile=np.array([row[0] for row in rows], np.int64),
        time=np.array([row[1] for row in rows], np.int64),
        id=np.array([row[2] for row in rows], np.int64),
        kind=np.array([row[3].kind for row in rows], np.int8),
        origin=np.array([origins.setdefault(row[3].origin, len(origins)) for row in rows], np.int32),
        click=np.array([numbered("click", row[3].click) for row in rows], np.int32),
        sign=np.array([numbered("sign", row[3].sign) for row in rows], np.int32),
        device=np.array([row[3].device for row in rows], np.int8),
        outright=np.array([row[3].outright for row in rows], bool),
    )
    return hits, list(origins)


def shown(*hits: Hit) -> list[tuple[float, Touch, Texts]]:
    """(minute, kind, origin) of the touchpoints of one person."""
    told, origins = columns([hits])
    found = touches(told, origins)
    return [
        (time / MINUTE, Touch(kind), origins[origin])
        for time, kind, origin in zip(found.time, found.kind, found.origin, strict=True)
    ]


def test_a_visit_is_one_touchpoint_however_many_pages_it_has() -> None:
    assert shown(hit(0, SEARCH), hit(10, DIRECT), hit(40, DIRECT)) == [(0, Touch.VISIT, SEARCH)]


def test_half_an_hour_without_a_sign_of_life_ends_a_visit() -> None:
    assert shown(hit(0, SEARCH), hit(30, DIRECT), hit(61, DIRECT)) == [
        (0, Touch.VISIT, SEARCH),
        (61, Touch.VISIT, DIRECT),
    ]


def test_another_campaign_begins_another_visit_and_the_same_one_does_not() -> None:
    assert shown(hit(0, SPRING), hit(5, SPRING), hit(10, DIRECT), hit(12, SPRING), hit(15, SUMMER)) == [
        (0, Touch.CLICK, SPRING),
        (15, Touch.CLICK, SUMMER),
    ]


def test_another_click_id_begins_another_visit() -> None:
    found = shown(hit(0, DIRECT, click="one"), hit(5, DIRECT, click="one"), hit(10, SEARCH, click="two"))
    assert [minute for minute, _, _ in found] == [0, 10]


def test_an_ads_click_and_the_visit_that_it_leads_to_are_one() -> None:
    assert shown(hit(0, AD), hit(1, SPRING)) == [(0, Touch.CLICK, AD)], "by the campaign's name"
    assert shown(hit(0, MAIL), hit(1, DIRECT)) == [(0, Touch.CLICK, MAIL)], "as the visit says nothing"
    assert shown(hit(0, AD, click="x"), hit(1, SUMMER, click="x")) == [(0, Touch.CLICK, AD)], "by the click id"
    assert len(shown(hit(0, AD), hit(1, SUMMER))) == 2
    assert len(shown(hit(0, AD), hit(31, SPRING))) == 2
    assert len(shown(hit(0, MAIL), hit(1, SEARCH))) == 2


def test_a_click_learns_from_its_visit_on_what_it_was() -> None:
    told, origins = columns([[hit(0, MAIL), hit(1, DIRECT, device=Device.MOBILE)]])
    assert touches(told, origins).device.tolist() == [Device.MOBILE]


def test_views_are_told_once_in_half_an_hour_and_never_swallow_a_click() -> None:
    assert shown(hit(0, BANNER), hit(10, BANNER), hit(20, AD), hit(31, BANNER)) == [
        (0, Touch.VIEW, BANNER),
        (20, Touch.CLICK, AD),
        (31, Touch.VIEW, BANNER),
    ]


def test_what_is_said_outright_stands_beside_everything_but_itself() -> None:
    assert [origin for _, _, origin in shown(hit(0, AD), hit(1, SAID), hit(2, SAID))] == [AD, SAID]


def test_a_call_that_was_answered_and_ended_is_one() -> None:
    assert shown(hit(0, CALL), hit(12, CALL)) == [(0, Touch.OFFLINE, CALL)]


def test_people_have_nothing_to_do_with_each_other() -> None:
    told, origins = columns([[hit(0, AD)], [hit(1, SPRING)]])
    assert touches(told, origins).profile.tolist() == [1, 2]


def test_nobody_has_no_touchpoints() -> None:
    told, origins = columns([])
    assert len(touches(told, origins)) == 0


hits = st.builds(
    hit,
    st.integers(0, 90),
    st.sampled_from([DIRECT, DIRECT, SEARCH, SPRING, SUMMER, AD, BANNER, MAIL, CALL, SAID]),
    click=st.sampled_from(["", "", "x", "y"]),
    device=st.sampled_from([0, 1, 2]),
)


@given(st.lists(st.lists(hits, max_size=12), min_size=1, max_size=3))
@settings(max_examples=150)
def test_columns_say_what_plain_python_says(people: list[list[Hit]]) -> None:
    told, origins = columns(people)
    found = touches(told, origins)
    for person, some in enumerate(people, 1):
        of = found.profile == person
        numbered = [
            Hit(**{**vars(one), "id": place})
            for place, one in enumerate(sorted(some, key=lambda each: (each.time, each.id)), 1)
        ]
        expected = plain.touches(numbered)
        assert shape(found, of, origins) == [(one.time, one.id, one.kind, one.origin, one.device) for one in expected]


def shape(found: Touches, of: np.ndarray, origins: list[Texts]) -> list[tuple[int, int, int, Texts, int]]:
    columns = (found.time, found.id, found.kind, found.origin, found.device)
    rows = zip(*(column[of].tolist() for column in columns), strict=True)
    return [(time, id, kind, origins[origin], device) for time, id, kind, origin, device in rows]
