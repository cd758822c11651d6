"""Random rules of every kind, for hypothesis, with every value that they may have: what all their forms are tried with.

`LEAVES` has a strategy for each class of condition; `rules_of` nests some of them, and `rules` all. `odd_rules` has names
that a quoting mistake trips over. Nothing here knows the database. (Rules that meet people are in `questions`.)
"""

from datetime import UTC, datetime, timedelta
from typing import Any as Anything

from hypothesis import strategies as st

from segments.rules import (
    AGAINST,
    AGGREGATES,
    COMPARES,
    CONSENTS,
    EVER,
    STATES,
    All,
    Any,
    Between,
    Changed,
    Consent,
    Did,
    Events,
    FirstAfter,
    Hours,
    InSegment,
    Known,
    Last,
    Measure,
    Moment,
    Not,
    PropertyFilter,
    Records,
    Rule,
    Sample,
    Score,
    Sequence,
    SinceLast,
    Top,
    Total,
    Trait,
    Window,
    canonical,
    instants,
)

# That of `tests.segments.world`.
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)

# Letters that PostgreSQL and Python fold alike, and everything that a quoting mistake would trip over.
characters = st.sampled_from("abcABCéÉ019 .%_\\'\"(){}$:,\n\u2028ñ😀-+")
texts = st.text(characters, min_size=1, max_size=6)
names = st.sampled_from(["country", "a.b", "list", "it's", "%s", "in", "x"])
events = st.sampled_from(["Order Completed", 'Page "Viewed" %', "did"])
segments = st.sampled_from(["VIP", "Slipping away"])
# Names that are words of the language, or read like something else in it.
_WORDS = (
    "all any not and or did has in segment score top random consent sum of over number birthday anonymous first last was is "
    "then within where on from at least trait true since after before than down up open ticket mon people by missing ever"
)
odd = (
    st.sampled_from([*_WORDS.split(), "Did", "a b", "5", "2026-01-01", "18:30", '"', "# x", "ünï", "x.y", "."]) | texts
)

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
seconds = st.sampled_from([1, 60, 3_600, 86_400, 2_592_000]) | st.integers(1, 5_000_000)


def _pair(values: st.SearchStrategy[Anything], order: Anything = None) -> st.SearchStrategy[tuple[Anything, ...]]:
    return st.lists(values, min_size=2, max_size=2).map(lambda pair: tuple(sorted(pair, key=order)))


number_tests = st.one_of(
    st.tuples(st.sampled_from(["greater", "less"]), numbers),
    st.tuples(st.just("between"), _pair(numbers)),
    st.tuples(st.sampled_from(["exists", "missing"]), st.just(True)),
)
tests = st.one_of(
    st.tuples(st.sampled_from(["is", "is_not"]), scalars),
    st.tuples(st.sampled_from(["contains", "starts_with"]), texts),
    st.tuples(st.just("one_of"), st.lists(scalars, min_size=1, max_size=4).map(tuple)),
    number_tests,
    st.tuples(st.just("between"), _pair(stamps, instants)),
    st.tuples(st.sampled_from(["before", "after"]), stamps),
)
clock_tests = st.tuples(st.sampled_from(["in_last_days", "in_next_days"]), st.integers(1, 60))
birthdays = st.tuples(st.just("birthday_in"), st.sampled_from([0, 1, 366]) | st.integers(0, 40))
hours = st.builds(
    lambda days, start, length: Hours(tuple(sorted(days)), start, _end(start, length)),
    st.sets(st.integers(1, 7), max_size=3),
    st.sampled_from([0, 60, 1_080]) | st.integers(0, 1_439),
    st.integers(1, 1_439),
) | st.sets(st.integers(1, 7), min_size=1).map(lambda days: Hours(tuple(sorted(days))))


def _end(start: int, length: int) -> int:
    return 1_440 if start + length == 1_440 else (start + length) % 1_440


def leaves(
    names: st.SearchStrategy[str], events: st.SearchStrategy[str], segments: st.SearchStrategy[str]
) -> dict[type, st.SearchStrategy[Anything]]:
    """A strategy for each kind of condition, with these names of traits and properties, events and segments."""
    filters = st.builds(lambda name, test: PropertyFilter(name, *test), names, tests)
    record_filters = st.builds(
        lambda name, test: PropertyFilter(name, *test),
        names | st.sampled_from(["status", "title", "value", "currency", "opened_at", "closed_at", "updated_at"]),
        tests | clock_tests,
    )
    chosen = st.builds(
        Events, events, st.lists(filters, max_size=2).map(tuple), st.none() | st.none() | hours
    ) | events.map(Events)
    windows: st.SearchStrategy[Window] = st.one_of(
        st.just(EVER),
        seconds.map(Last),
        _pair(stamps, instants).map(lambda pair: Between(*pair)),
        st.builds(FirstAfter, seconds, chosen),
        chosen.map(SinceLast),
    )

    def total(aggregates: tuple[str, ...]) -> st.SearchStrategy[Total]:
        return st.builds(
            lambda aggregate, name, *rest: Total(aggregate, "" if aggregate == "count" else name, *rest),
            st.sampled_from(aggregates), names, chosen, windows,
        )  # fmt: skip

    moment_tests = st.one_of(
        st.tuples(st.sampled_from(["in_last_days", "over_days_ago"]), st.integers(1, 60)),
        st.tuples(st.sampled_from(["before", "after"]), stamps),
        st.tuples(st.just("between"), _pair(stamps, instants)),
    )
    percents = st.integers(1, 100) | st.sampled_from([0.5, 33.3])
    times = st.tuples(st.sampled_from(COMPARES), st.integers(0, 3)).map(
        lambda asked: (asked[0], max(1, asked[1]) if asked[0] == "at_least" else asked[1])
    )
    return {
        Did: st.builds(lambda chosen, times, window: Did(chosen, *times, window), chosen, times, windows),
        Measure: st.builds(
            Measure, total(tuple(one for one in AGGREGATES if one != "count")), st.sampled_from(AGAINST), numbers
        ),
        Moment: st.builds(
            lambda which, chosen, test: Moment(which, chosen, *test), st.sampled_from(["first", "last"]), chosen, moment_tests
        ),
        Changed: st.builds(
            Changed, st.sampled_from(["fewer", "more"]), chosen, seconds, st.just("") | names, st.none() | percents
        ),
        Sequence: st.builds(
            Sequence, st.lists(chosen, min_size=2, max_size=3).map(tuple), seconds, st.none() | chosen,
            st.just(EVER) | seconds.map(Last),
        ),
        Trait: st.builds(lambda name, test: Trait(name, *test), names, tests | clock_tests)
        | st.builds(lambda name, test: Trait(name, *test), names | st.just("birthday"), birthdays | clock_tests),
        Known: st.sampled_from(["anonymous", "email", "phone"]).map(Known) | names.map(Known),
        Consent: st.builds(Consent, st.sampled_from(["email", "sms"]) | names, st.sampled_from(CONSENTS)),
        Score: st.builds(lambda name, test: Score(name, *test), st.just("churn") | names, number_tests),
        Records: st.builds(
            lambda kind, state, where, times: Records(kind, state, tuple(where), *times),
            st.sampled_from(["ticket", "deal"]) | names, st.sampled_from(STATES),
            st.lists(record_filters, max_size=2), times,
        ),
        InSegment: segments.map(InSegment),
        Sample: st.builds(Sample, percents, st.just("") | names),
        Top: st.builds(Top, percents, st.just("percent"), names | total(AGGREGATES))
        | st.builds(Top, st.integers(1, 5), st.just("people"), names | names.map("score_{}".format) | total(AGGREGATES)),
    }  # fmt: skip


LEAVES = leaves(names, events, segments)


def _grown(children: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    several = st.lists(children, min_size=1, max_size=3).map(tuple)
    return st.builds(All, several) | st.builds(Any, several) | st.builds(Not, children)


def rules_of(*kinds: st.SearchStrategy[Anything]) -> st.SearchStrategy[Rule]:
    """Rules of these kinds of conditions, as in `rules_of(LEAVES[Did], LEAVES[Trait])`."""
    return st.recursive(st.one_of(*kinds), _grown, max_leaves=6).map(canonical)


rules = rules_of(*LEAVES.values())
odd_rules = rules_of(*leaves(odd, odd, odd).values())
