"""Random rules, traits and histories for hypothesis."""

from datetime import timedelta
from typing import Any as Anything

from hypothesis import strategies as st

from segments.rules import COMPARES, All, Any, Did, Not, PropertyFilter, Rule, Trait, canonical
from tests.segments.world import NOW

# Letters that PostgreSQL and Python fold alike, and everything that a quoting mistake would trip over.
characters = st.sampled_from("abcABCéÉ019 .%_\\'\"(){}$:,\n\u2028ñ😀-+")
texts = st.text(characters, min_size=1, max_size=6)
names = st.sampled_from(["country", "a.b", "list", "it's", "%s", "in", "x"])
events = st.sampled_from(["Order Completed", 'Page "Viewed" %', "did"])
whole = st.integers(-3, 12)
numbers = whole | st.decimals(-5, 12, places=2).map(float)
scalars = texts | numbers | st.booleans() | st.sampled_from(["ES", "es", "true", "5", "5.00", "Ana"])
dates = st.integers(-40, 40).map(lambda days: (NOW + timedelta(days=days)).date().isoformat())
# Also exactly at a window's edge.
moments = (
    st.integers(-100_000, 100_000).map(lambda minutes: NOW + timedelta(minutes=minutes))
    | st.integers(-60, 60).map(lambda days: NOW + timedelta(days=days))
    | st.integers(-3, 3).map(lambda micros: NOW - timedelta(days=1) + timedelta(microseconds=micros))
)
stamps = moments.map(lambda moment: moment.isoformat()) | dates


def _pair(values: st.SearchStrategy[Anything]) -> st.SearchStrategy[tuple[Anything, ...]]:
    return st.lists(values, min_size=2, max_size=2).map(lambda pair: tuple(sorted(pair)))


tests = st.one_of(
    st.tuples(st.sampled_from(["is", "is_not"]), scalars),
    st.tuples(st.sampled_from(["contains", "starts_with"]), texts),
    st.tuples(st.just("one_of"), st.lists(scalars, min_size=1, max_size=4).map(tuple)),
    st.tuples(st.sampled_from(["exists", "missing"]), st.just(True)),
    st.tuples(st.sampled_from(["greater", "less"]), numbers),
    st.tuples(st.just("between"), _pair(numbers) | _pair(dates)),
    st.tuples(st.sampled_from(["before", "after"]), stamps),
)
filters = st.builds(lambda name, test: PropertyFilter(name, *test), names, tests)
within = st.none() | st.sampled_from([1, 60, 3_600, 86_400, 2_592_000]) | st.integers(1, 5_000_000)
dids = st.builds(
    lambda event, compare, times, where, within: Did(
        event, compare, max(1, times) if compare == "at_least" else times, tuple(where), within
    ),
    events, st.sampled_from(COMPARES), st.integers(0, 3), st.lists(filters, max_size=2), within,
)  # fmt: skip
traits = st.builds(
    lambda name, test: Trait(name, *test),
    names, tests | st.tuples(st.just("in_last_days"), st.integers(1, 60)),
)  # fmt: skip


def _grown(children: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    several = st.lists(children, min_size=1, max_size=3).map(tuple)
    return st.builds(All, several) | st.builds(Any, several) | st.builds(Not, children)


rules = st.recursive(dids | traits, _grown, max_leaves=6).map(canonical)

# What a source may have sent, near enough to the rules' values to meet them.
values = st.recursive(
    scalars | st.none() | stamps | st.sampled_from(["2026-02-30", "now", "1e999", "٣", "2026-06-14T25:00:00Z", "5 "]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["b", "x"]), inner, max_size=2),
    max_leaves=4,
)
documents = st.dictionaries(names | st.just("a"), values, max_size=4)
histories = st.lists(st.tuples(events, moments, documents), max_size=6)
