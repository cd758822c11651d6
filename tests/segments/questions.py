"""Random rules and people of a small world, so that they meet: few names, whole hours, short windows, small numbers."""

from datetime import timedelta
from decimal import Decimal
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
    canonical,
    instants,
)
from tests.segments.meaning import Person, Thing
from tests.segments.world import NOW

HOUR = 3_600
EVENTS = ("Viewed", "Bought", "Left")
# Events of the future among them; several at the same time.
hours = st.integers(-30, 12) | st.integers(-150, 24)
moments = hours.map(lambda number: NOW + timedelta(hours=number))
stamps = moments.map(lambda moment: moment.isoformat()) | moments.map(lambda moment: moment.date().isoformat())
spans = st.sampled_from([1, 2, 6, 12, 24, 48, 72]).map(lambda number: number * HOUR)
days = st.integers(1, 4)
texts = st.sampled_from(["red", "Red", "blue", "1", "2.5", "true"])
amounts = st.sampled_from(
    [0, 1, 2, -1, 0.5, 2.5, 0.00005, -0.00005, "2.5", "1", 10_000_000_000, 10_000_000_001, 1.00004]
)
scalars = amounts | texts | st.booleans() | st.none()
values = scalars | st.lists(scalars | st.just({"x": 1}), max_size=3) | st.just({"x": 2})
numbers = st.sampled_from([-1, 0, 0.5, 1, 1.5, 2, 2.5, 3, 5, 0.0001, 10_000_000_000])


def _sorted(pair: tuple[str, str]) -> tuple[str, str]:
    low, high = sorted(pair, key=instants)
    return low, high


between = st.tuples(stamps, stamps).map(_sorted)
tests = st.one_of(
    st.tuples(st.sampled_from(["is", "is_not"]), numbers | texts | st.booleans()),
    st.tuples(st.sampled_from(["greater", "less"]), numbers),
    st.tuples(st.sampled_from(["exists", "missing"]), st.just(True)),
)
date_tests = st.one_of(
    st.tuples(st.sampled_from(["in_last_days", "in_next_days"]), days),
    st.tuples(st.sampled_from(["before", "after"]), stamps),
    st.tuples(st.just("between"), between),
)
filters = st.builds(lambda name, test: PropertyFilter(name, *test), st.sampled_from(["p", "q", "list.x"]), tests)
weeks = st.sampled_from([Hours((6, 7)), Hours((), 9 * 60, 17 * 60), Hours((1,), 22 * 60, 6 * 60), Hours((1, 2, 3))])
plain = st.sampled_from(EVENTS).map(Events)
events = plain | st.builds(Events, st.sampled_from(EVENTS), st.lists(filters, max_size=1).map(tuple), st.none() | weeks)
times = st.tuples(st.sampled_from(COMPARES), st.integers(0, 3)).map(
    lambda asked: (asked[0], max(1, asked[1]) if asked[0] == "at_least" else asked[1])
)
windows = st.one_of(
    st.just(EVER),
    spans.map(Last),
    between.map(lambda pair: Between(*pair)),
    st.builds(FirstAfter, spans, events),
    events.map(SinceLast),
)


def totals(*aggregates: str) -> st.SearchStrategy[Total]:
    return st.builds(
        lambda aggregate, name, *rest: Total(aggregate, "" if aggregate == "count" else name, *rest),
        st.sampled_from(aggregates), st.sampled_from(["p", "q", "list.x"]), events, windows,
    )  # fmt: skip


percents = st.sampled_from([0.5, 10, 33.3, 50, 99.9, 100])
record_filters = st.builds(
    lambda name, test: PropertyFilter(name, *test),
    st.sampled_from(["p", "status", "value"]), tests,
) | st.builds(
    lambda name, test: PropertyFilter(name, *test),
    st.sampled_from(["opened_at", "closed_at", "updated_at", "ends"]), date_tests,
)  # fmt: skip
birthday_rules = st.builds(
    lambda days: Trait("birthday", "birthday_in", days), st.sampled_from([0, 1, 2, 30, 365, 366])
)
dated_rules = st.builds(lambda test: Trait("joined", *test), date_tests)
# By kind of condition. What goes by the clock in whole hours, or not at all, but for birthdays.
LEAVES: dict[type, st.SearchStrategy[Anything]] = {
    Did: st.builds(lambda events, times, window: Did(events, *times, window), events, times, windows),
    Measure: st.builds(Measure, totals(*(one for one in AGGREGATES if one != "count")), st.sampled_from(AGAINST), numbers),
    Moment: st.builds(
        lambda which, events, test: Moment(which, events, *test), st.sampled_from(["first", "last"]), events,
        st.tuples(st.sampled_from(["in_last_days", "over_days_ago"]), days)
        | st.tuples(st.sampled_from(["before", "after"]), stamps)
        | st.tuples(st.just("between"), between),
    ),
    Changed: st.builds(
        Changed, st.sampled_from(["fewer", "more"]), events, spans, st.sampled_from(["", "", "p"]), st.none() | percents
    ),
    Sequence: st.builds(
        Sequence, st.lists(events, min_size=2, max_size=3).map(tuple), spans, st.none() | events,
        st.just(EVER) | spans.map(Last),
    ),
    Trait: st.builds(lambda test: Trait("color", *test), tests) | dated_rules,
    Known: st.sampled_from(["anonymous", "email", "phone", "no_such_kind"]).map(Known),
    Consent: st.builds(Consent, st.sampled_from(["email", "sms"]), st.sampled_from(CONSENTS)),
    Score: st.builds(lambda number, op: Score("churn", op, number), numbers, st.sampled_from(["greater", "less"])),
    Records: st.builds(
        lambda kind, state, where, times: Records(kind, state, tuple(where), *times),
        st.sampled_from(["ticket", "Deal"]), st.sampled_from(STATES), st.lists(record_filters, max_size=2), times,
    ),
    Sample: st.builds(Sample, percents, st.sampled_from(["", "a", "b"])),
    Top: st.builds(Top, percents, st.just("percent"), st.just("score_churn") | totals(*AGGREGATES))
    | st.builds(Top, st.integers(1, 3), st.just("people"), st.just("points") | totals(*AGGREGATES)),
}  # fmt: skip


def _grown(children: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    several = st.lists(children, min_size=1, max_size=3).map(tuple)
    return st.builds(All, several) | st.builds(Any, several) | st.builds(Not, children)


def rules_of(*leaves: st.SearchStrategy[Anything]) -> st.SearchStrategy[Rule]:
    return st.recursive(st.one_of(*leaves), _grown, max_leaves=4).map(canonical)


rules = rules_of(*LEAVES.values())
asked = rules | rules_of(birthday_rules, *LEAVES.values())

inner = st.fixed_dictionaries({}, optional={"x": values})
documents = st.fixed_dictionaries({}, optional={"p": values, "q": values, "list": st.lists(inner, max_size=2)})
histories = st.lists(st.tuples(st.sampled_from(EVENTS), moments, documents), max_size=10)
traits = st.fixed_dictionaries(
    {},
    optional={
        "color": values,
        "joined": stamps | st.lists(stamps, max_size=2) | st.just("soon"),
        "consent_email": st.booleans() | st.none(),
        "score_churn": amounts,
        "points": amounts,
        "birthday": st.sampled_from(
            ["1990-06-15", "1980-06-16", "2000-02-29", "1990-06-14T22:30:00Z", "2026-02-30", "2001-01-01", "06-15"]
        ),
    },
)
things = st.builds(
    Thing, st.sampled_from(["ticket", "deal"]), moments, st.sampled_from(["", "open", "won"]), st.just(""),
    st.none() | st.sampled_from([Decimal("2.5"), Decimal(1)]), st.sampled_from(["", "EUR"]), st.none() | moments,
    st.none() | moments, st.fixed_dictionaries({}, optional={"p": values, "ends": stamps, "status": texts}),
)  # fmt: skip
kinds = st.sets(st.sampled_from(["email", "phone", "anonymous_id", "record"]), max_size=2)
people = st.lists(st.builds(Person, traits, histories, st.lists(things, max_size=3), kinds), min_size=1, max_size=4)
