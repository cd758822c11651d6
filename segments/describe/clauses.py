"""A rule in plain English, for people who didn't make it."""

from typing import assert_never

from segments.describe.words import (
    AGAINST_WORDS,
    comparison,
    counted,
    day,
    during,
    events,
    filters,
    joined,
    label,
    length,
    number,
    percent,
    span,
    total,
    window,
)
from segments.rules import (
    All,
    Any,
    Changed,
    Consent,
    Did,
    InSegment,
    Known,
    Last,
    Measure,
    Moment,
    Not,
    Records,
    Rule,
    Sample,
    Score,
    Sequence,
    Top,
    Trait,
)

# How a clause begins that needs no 'who'.
_OWN = ("whose ", "(whose ")
_KNOWN = {"email": "an e-mail address", "phone": "a phone number", "user_id": "a customer number"}
_CHANNELS = {"email": "e-mail", "sms": "SMS", "phone": "phone calls", "ads": "advertising"}


# Names come from outside: one that turns the direction of writing would turn the rest of the sentence.
_TURNING = dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def describe(rule: Rule) -> str:
    """One sentence with a capital and a full stop: 'People who did “Order Completed” at least 3 times …'."""
    return f"People {relative(clause(rule))}.".translate(_TURNING)


def relative(said: str) -> str:
    """A clause as it follows 'people': with 'who', where it hasn't its own 'whose'."""
    return said if said.startswith(_OWN) else f"who {said}"


def clause(rule: Rule, *, nested: bool = False) -> str:
    """The rule as what follows 'people who', or with a 'whose' of its own. `nested` puts brackets round groups."""
    match rule:
        case All(conditions):
            return _group([clause(condition, nested=True) for condition in conditions], "and", nested)
        case Any(conditions):
            return _group([clause(condition, nested=True) for condition in conditions], "or", nested)
        case Not(condition):
            return _not(condition)
        case Did():
            return _did(rule)
        case Measure():
            return _measure(rule)
        case Moment():
            return _moment(rule)
        case Changed():
            return _changed(rule)
        case Sequence():
            return _sequence(rule)
        case Trait(name, op, value):
            return f"have {comparison(name, op, value)}"
        case Known("anonymous"):
            return "are anonymous"
        case Known(kind):
            return f"have {_KNOWN.get(kind, f'an identifier of the kind {label(kind)}')}"
        case Consent(channel, state):
            return _consent(channel, state)
        case Score(name, op, value):
            return (
                f"have {'a ' if op in ('greater', 'less', 'between') else ''}{comparison(f'{name} score', op, value)}"
            )
        case Records():
            return _records(rule)
        case InSegment(name):
            return f"are in the segment “{name}”"
        case Sample(share, salt):
            return f"are in a random {percent(share)} of all people{f' (draw “{salt}”)' if salt else ''}"
        case Top(size, unit, by):
            many = percent(size) if unit == "percent" else f"{number(size)} people"
            return f"are among the top {many} by {_ranked(by) if isinstance(by, str) else total(by)}"
        case _:
            assert_never(rule)


def _group(parts: list[str], word: str, nested: bool) -> str:
    if len(parts) == 1:
        return parts[0]
    said, own = [], False
    for part in parts:
        # After 'whose revenue …' the next 'who' has to be said again.
        said.append(relative(part) if own else part)
        own = own or part.startswith(_OWN)
    text = joined(said, word)
    return f"({text})" if nested else text


def _not(condition: Rule) -> str:
    match condition:
        case InSegment(name):
            return f"are not in the segment “{name}”"
        case Known("anonymous"):
            return "are not anonymous"
        case Known(kind) if kind in _KNOWN:
            return f"have no {_KNOWN[kind].split(' ', 1)[1]}"
        case _:
            return f"are not among those {relative(clause(condition, nested=True))}"


def _ranked(by: str) -> str:
    score = by.removeprefix("score_")
    return label(by) if score in ("", by) else f"{label(score)} score"


def _did(rule: Did) -> str:
    verb, times = "did", ""
    match rule:
        case Did(compare="at_least", times=1):
            pass
        case Did(compare="at_most", times=0):
            verb = "did not do"
        case _:
            times = f" {AGAINST_WORDS[rule.compare]} {counted(rule.times)}"
    chosen = rule.events
    return f"{verb} “{chosen.name}”{times}{filters(chosen.where)}{during(chosen.hours)}{window(rule.window)}"


def _measure(rule: Measure) -> str:
    one, wanted = rule.total, f"{AGAINST_WORDS[rule.compare]} {number(rule.number)}"
    where = f"over {events(one.events)}{window(one.window)}"
    match one.aggregate:
        case "sum":
            return f"whose {label(one.property)} {where} adds up to {wanted}"
        case "distinct":
            return f"have {wanted} different values of {label(one.property)} {where}"
        case _:
            return f"whose {total(one)} is {wanted}"


def _moment(rule: Moment) -> str:
    done = f"did {events(rule.events)} for the {rule.which} time"
    match rule.op, rule.value:
        case "in_last_days", int(days):
            return f"{done} in the last {span(days * 86_400)}"
        case "over_days_ago", int(days):
            return f"{done} more than {length(days * 86_400)} ago"
        case "between", (str(start), str(end)):
            return f"{done} from {day(start)} to {day(end)}"
        case (("before" | "after"), str(moment)):
            return f"{done} {rule.op} {day(moment)}"
    raise ValueError(f"{rule.op} with {rule.value!r} is no moment")


def _changed(rule: Changed) -> str:
    least = "" if rule.percent is None else f"at least {percent(rule.percent)} "
    periods = f"in the last {span(rule.within)} than in the {span(rule.within)} before"
    if rule.property:
        how = "lower" if rule.direction == "fewer" else "higher"
        return f"whose {label(rule.property)} over {events(rule.events)} was {least}{how} {periods}"
    how = "less often" if rule.direction == "fewer" else "more often"
    return f"did {events(rule.events)} {least}{how} {periods}"


def _sequence(rule: Sequence) -> str:
    steps = " and then ".join(map(events, rule.steps))
    without = f", and no {events(rule.without)} after that in the same time" if rule.without is not None else ""
    last = f", all in the last {span(rule.window.seconds)}" if isinstance(rule.window, Last) else ""
    return f"did {steps} within {length(rule.within)}{without}{last}"


def _consent(channel: str, state: str) -> str:
    named = _CHANNELS.get(channel, label(channel))
    match state:
        case "given":
            return f"agreed to {named}"
        case "denied":
            return f"refused {named}"
        case _:
            return f"have said neither yes nor no to {named}"


def _records(rule: Records) -> str:
    kind = label(rule.kind)
    state = "" if rule.state == "any" else f"{rule.state} "
    where = filters(rule.where)
    match rule:
        case Records(compare="at_least", times=1):
            return f"have {'an' if f'{state}{kind}'[0] in 'aeiou' else 'a'} {state}{kind}{where}"
        case Records(compare="at_most", times=0):
            return f"have no {state}{kind}{where}"
        case _:
            plural = kind if rule.times == 1 or kind.endswith("s") else f"{kind}s"
            return f"have {AGAINST_WORDS[rule.compare]} {rule.times:,} {state}{plural}{where}"
