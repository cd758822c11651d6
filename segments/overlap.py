"""To which other segments the members of one belong: exact combinations of up to six others, counted in the database."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from cdp_site import sql
from segments.models import Segment

MOST_SEGMENTS = 6
MOST_COMBINATIONS = 12
# Above so many members one in so many is looked at, the same ones each time.
MOST_MEMBERS = 100_000


@dataclass(frozen=True)
class Other:
    """Another segment, and how many of the members are in it."""

    segment: Segment
    shared: int
    share: float


@dataclass(frozen=True)
class Combination:
    """Exactly these of the others (by place), and how many of the members are in just these."""

    places: tuple[int, ...]
    count: int
    share: float


@dataclass(frozen=True)
class Overlap:
    """`sampled`: one in so many members was counted, and numbers are estimates; 1 when all were."""

    others: tuple[Other, ...]
    combinations: tuple[Combination, ...]
    left_out: int
    sampled: int

    @property
    def rows(self) -> list[tuple[str, Combination]]:
        """Each combination with its words."""
        return [(self.words(one), one) for one in self.combinations]

    def words(self, one: Combination) -> str:
        if not one.places:
            return "in none of these"
        return f"only in {' and '.join(self.others[place].segment.name for place in one.places)}"


# Whole rows of membership are found by its key (profile, segment): a merge of two index scans, or one look-up a member.
_SHARED = """
WITH mine AS MATERIALIZED (
    SELECT profile_id FROM membership
    WHERE segment_id = %(segment)s AND (%(every)s = 1 OR (hashint8(profile_id) & 2147483647) %% %(every)s::int = 0)
)
SELECT segment_id, count(*), (SELECT count(*) FROM mine)
FROM membership JOIN mine USING (profile_id) WHERE segment_id <> %(segment)s
GROUP BY segment_id ORDER BY 2 DESC, 1 LIMIT %(most)s
"""
# Which of the chosen segments each member is in, as one number with a bit for each.
_COMBINED = """
WITH mine AS MATERIALIZED (
    SELECT profile_id FROM membership
    WHERE segment_id = %(segment)s AND (%(every)s = 1 OR (hashint8(profile_id) & 2147483647) %% %(every)s::int = 0)
), pattern AS (
    SELECT bit_or(1 << (array_position(%(chosen)s::bigint[], segment_id) - 1)) AS bits
    FROM membership JOIN mine USING (profile_id) WHERE segment_id = ANY(%(chosen)s::bigint[]) GROUP BY profile_id
)
SELECT bits, count(*) FROM pattern GROUP BY bits
UNION ALL SELECT 0, (SELECT count(*) FROM mine) - (SELECT count(*) FROM pattern)
"""


def overlap(segment: Segment) -> Overlap:
    """With whom a segment shares its members. Cost: two statements, each one pass over the memberships of at most some
    100,000 members (about 0.15 s for them); the answer has at most 64 rows."""
    every = -(-segment.size // MOST_MEMBERS) or 1
    parameters = {"segment": segment.pk, "every": every, "most": MOST_SEGMENTS}
    shared = sql.rows(_SHARED, parameters)
    if not shared:
        return Overlap((), (), 0, every)
    named = Segment.objects.in_bulk([id for id, _, _ in shared])
    shared = [row for row in shared if row[0] in named]
    total = shared[0][2] if shared else 0
    others = tuple(Other(named[id], number * every, number / total) for id, number, _ in shared)
    counted = sql.rows(_COMBINED, {**parameters, "chosen": [one.segment.pk for one in others]})
    combined = [
        Combination(tuple(place for place in range(len(others)) if bits >> place & 1), number * every, number / total)
        for bits, number in counted
        if number
    ]
    combined.sort(key=lambda one: (-one.count, one.places))
    return Overlap(others, tuple(combined[:MOST_COMBINATIONS]), max(len(combined) - MOST_COMBINATIONS, 0), every)


# The picture, in pixels.
_LEFT, _STEP, _ROW, _TALL, _TOP = 196, 44, 26, 130, 18
_LONGEST = 24  # characters of a segment's name; the table beside has all of it


def picture(found: Overlap, title: str) -> SafeString:
    """The combinations as an UpSet picture: a bar each, and below it a dot for each segment that is in it."""
    wide = _LEFT + _STEP * len(found.combinations)
    tall = _TOP + _TALL + 12 + _ROW * len(found.others)
    highest = max((one.count for one in found.combinations), default=1)
    return format_html(
        '<svg class="upset" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}{}</svg>',
        title, wide, tall, wide, tall,
        format_html_join("", "{}", ((_name(place, other, wide),) for place, other in enumerate(found.others))),
        format_html_join(
            "", "{}", ((_column(found, place, one, highest),) for place, one in enumerate(found.combinations))
        ),
    )  # fmt: skip


def _name(place: int, other: Other, wide: int) -> SafeString:
    y = _line(place)
    name = other.segment.name
    return format_html(
        '<rect class="{}" x="0" y="{}" width="{}" height="{}"></rect><text x="{}" y="{}" text-anchor="end">{}<title>{}</title>'
        "</text>",
        "odd" if place % 2 else "even", y - _ROW // 2, wide, _ROW, _LEFT - 12, y + 4,
        name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…", name,
    )  # fmt: skip


def _column(found: Overlap, place: int, one: Combination, highest: int) -> SafeString:
    x = _LEFT + _STEP * place + _STEP // 2
    high = max(round(_TALL * one.count / highest), 1)
    bar = format_html(
        '<rect class="bar" x="{}" y="{}" width="{}" height="{}" rx="2"></rect><text class="count" x="{}" y="{}" '
        'text-anchor="middle">{}</text>',
        x - 12, _TOP + _TALL - high, 24, high, x, _TOP + _TALL - high - 5, _short(one.count),
    )  # fmt: skip
    joins = _join(x, one.places)
    dots = format_html_join(
        "",
        '<circle class="{}" cx="{}" cy="{}" r="5"></circle>',
        (("on" if other in one.places else "off", x, _line(other)) for other in range(len(found.others))),
    )
    words = f"{one.count:,} {found.words(one)}"
    return format_html("<g><title>{}</title>{}{}{}</g>", words, bar, joins, dots)


def _join(x: int, places: Sequence[int]) -> SafeString:
    if len(places) < 2:
        return SafeString("")
    return format_html(
        '<line class="join" x1="{}" y1="{}" x2="{}" y2="{}"></line>', x, _line(min(places)), x, _line(max(places))
    )


def _line(place: int) -> int:
    return _TOP + _TALL + 12 + _ROW * place + _ROW // 2


def _short(count: int) -> str:
    return f"{count:,}" if count < 10_000 else f"{count / 1_000:.1f}k" if count < 1e6 else f"{count / 1e6:.1f}M"
