"""Comparisons with a trait or property as SQL conditions on its JSON document: typed, never raising, whatever it holds.

The fragments are constants; names and values are parameters. `segments.rules` says what each comparison means.
"""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from segments.rules import Hours, Scalar, Value, instants, is_date

# Numbers are summed as whole numbers of 1/10,000; what is bigger is no value (and can't overflow a sum).
SCALE = 10_000
MOST = 10_000_000_000
# Stand for no value, and for several of them (`single`).
NO_VALUE, A_LIST = -(2**63) + 1, -(2**63) + 2

# Text that is taken for a number or a time. Anything else would make a cast fail.
NUMBER = r"^[+-]?[0-9]{1,30}(\.[0-9]{1,30})?$"
TIME = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)?)?$"
)


@dataclass
class Parameters:
    """Collects the named parameters of a statement."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, value: Any) -> str:
        """The placeholder for a value."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"


def condition(document: str, name: str, op: str, value: Value, parameters: Parameters) -> str:
    """A boolean expression, never NULL: whether `name` in the jsonb expression `document` passes the comparison."""
    if op == "is_not":
        return f"NOT {condition(document, name, 'is', value, parameters)}"
    if op == "missing":
        return f"NOT {condition(document, name, 'exists', True, parameters)}"
    found = member(document, name, parameters)
    if op == "exists":
        return (
            f"coalesce(CASE jsonb_typeof({found}) WHEN 'array' THEN"
            f" EXISTS (SELECT 1 FROM jsonb_array_elements({found}) AS item (v) WHERE jsonb_typeof(item.v) <> 'null')"
            f" ELSE jsonb_typeof({found}) <> 'null' END, false)"
        )
    # A null inside has no text, so it passes nothing.
    test = _test("{value}", op, value, parameters)
    return (
        f"coalesce(CASE jsonb_typeof({found}) WHEN 'array' THEN"
        f" EXISTS (SELECT 1 FROM jsonb_array_elements({found}) AS item (v)"
        f" WHERE jsonb_typeof(item.v) NOT IN ('array', 'object') AND {test.replace('{value}', 'item.v')})"
        f" WHEN 'object' THEN false ELSE {test.replace('{value}', found)} END, false)"
    )


def moment(document: str, name: str, parameters: Parameters) -> str:
    """A timestamptz expression, '-infinity' for none: the time that `name` says; of a list its first."""
    found = member(document, name, parameters)
    first = f"(CASE jsonb_typeof({found}) WHEN 'array' THEN {found} -> 0 ELSE {found} END)"
    return f"coalesce({_time(first, parameters)}, '-infinity'::timestamptz)"


def birthday(document: str, name: str, parameters: Parameters) -> str:
    """Month * 100 + day of the date or time that `name` says, as it is written; of a list its first; 0 for none."""
    found = member(document, name, parameters)
    first = f"(CASE jsonb_typeof({found}) WHEN 'array' THEN {found} -> 0 ELSE {found} END)"
    written = f"({first} #>> '{{}}')"
    return (
        f"CASE WHEN {_time(first, parameters)} IS NULL THEN 0"
        f" ELSE substr({written}, 6, 2)::int * 100 + substr({written}, 9, 2)::int END"
    )


def number(document: str, name: str, parameters: Parameters) -> str:
    """A float8 expression, NaN for none: the number that `name` says, if it isn't beyond what a value may be."""
    amount = _number(member(document, name, parameters), parameters)
    return f"coalesce((CASE WHEN abs({amount}) <= {MOST} THEN {amount} END)::float8, 'NaN'::float8)"


def values(document: str, name: str, kind: str, parameters: Parameters) -> tuple[str, str]:
    """What to join with, and the bigint expression there: a row for each value of `name`, none for what is no value.

    Numbers are times 10,000, rounded half away from zero. Texts are a 64-bit hash of them in lower case, the same one in
    each load: that two texts of a person share one is as likely as a hit by a meteorite.
    """
    joins = [
        f"CROSS JOIN LATERAL (SELECT {member(document, name, parameters)} AS v OFFSET 0) AS said",
        "CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(said.v) WHEN 'array' THEN said.v"
        " ELSE jsonb_build_array(said.v) END) AS item (v)",
    ]
    if kind == "number":
        joins.append(
            f"JOIN LATERAL (SELECT {_number('item.v', parameters)} AS v OFFSET 0) AS amount"
            f" ON amount.v BETWEEN -{MOST} AND {MOST}"
        )
        return " ".join(joins), f"round(amount.v * {SCALE})::bigint"
    joins.append(
        f"JOIN LATERAL (SELECT {_lower('item.v')} AS v) AS word"
        " ON jsonb_typeof(item.v) IN ('string', 'number', 'boolean')"
    )
    return " ".join(joins), "hashtextextended(word.v, 0)"


def single(document: str, name: str, kind: str, where: str, alias: str, parameters: Parameters) -> tuple[str, str]:
    """What to join with, and the bigint expression there: the one value of `name`, as in `values`; `NO_VALUE` for none and
    where not `where`, `A_LIST` for a list of them."""
    v = f"{alias}.v"
    join = f"CROSS JOIN LATERAL (SELECT CASE WHEN {where} THEN {member(document, name, parameters)} END AS v OFFSET 0) AS {alias}"
    if kind == "number":
        amount = _number(v, parameters)
        said = f"CASE WHEN {amount} BETWEEN -{MOST} AND {MOST} THEN round({amount} * {SCALE})::bigint END"
    else:
        said = (
            f"CASE WHEN jsonb_typeof({v}) IN ('string', 'number', 'boolean') THEN hashtextextended({_lower(v)}, 0) END"
        )
    none, a_list = (f"({one}::bigint)" for one in (NO_VALUE, A_LIST))
    return join, f"CASE jsonb_typeof({v}) WHEN 'array' THEN {a_list} ELSE coalesce({said}, {none}) END"


def hours(time: str, of: Hours, parameters: Parameters, zone: str) -> str:
    """Whether the timestamptz expression `time` is in these hours of the week, by the clocks of `zone`."""
    local = f"({time} AT TIME ZONE {parameters.add(zone)}::text)"
    tests = []
    if of.days:
        tests.append(f"extract(isodow FROM {local})::int = ANY({parameters.add(list(of.days))}::int[])")
    if (of.start, of.end) != (0, 1_440):
        minute = f"(extract(hour FROM {local})::int * 60 + extract(minute FROM {local})::int)"
        both = "AND" if of.start < of.end else "OR"
        tests.append(f"({minute} >= {parameters.add(of.start)}::int {both} {minute} < {parameters.add(of.end)}::int)")
    return " AND ".join(tests) or "true"


def member(document: str, name: str, parameters: Parameters) -> str:
    plain = f"({document} -> {parameters.add(name)}::text)"
    if "." not in name:
        return plain
    # Lax mode looks into lists on the way: products.category is the category of each product.
    path = "$" + "".join("." + json.dumps(part) for part in name.split("."))
    inside = f"nullif(jsonb_path_query_array({document}, {parameters.add(path)}::jsonpath), '[]'::jsonb)"
    return f"coalesce({plain}, {inside})"


def _lower(v: str) -> str:
    return f"lower({v} #>> '{{}}')"


def _test(v: str, op: str, value: Value, parameters: Parameters) -> str:
    """The comparison of one value that is no list; may be NULL, which is a no. `v` stands for the value."""
    match op, value:
        case "is", (str() | int() | float()) as one:
            return f"({_equals(v, one, parameters)})"
        case "one_of", tuple() as choices:
            return f"({_one_of(v, choices, parameters)})"
        case "contains", str():
            return f"(strpos({_lower(v)}, lower({parameters.add(value)}::text)) > 0)"
        case "starts_with", str():
            return f"starts_with({_lower(v)}, lower({parameters.add(value)}::text))"
        case "greater", (int() | float()):
            return f"({_number(v, parameters)} > {_decimal(value, parameters)})"
        case "less", (int() | float()):
            return f"({_number(v, parameters)} < {_decimal(value, parameters)})"
        case "between", (str() as low, str() as high):
            start, end = parameters.add(instants(low)), parameters.add(instants(high, end=True))
            closes = "<" if is_date(high) else "<="
            time = _time(v, parameters)
            return f"({time} >= {start} AND {time} {closes} {end})"
        case "between", (int() | float() as low, int() | float() as high):
            return f"({_number(v, parameters)} BETWEEN {_decimal(low, parameters)} AND {_decimal(high, parameters)})"
        case "before", str():
            return f"({_time(v, parameters)} < {parameters.add(instants(value))})"
        case "after", str():
            opens = ">=" if is_date(value) else ">"
            return f"({_time(v, parameters)} {opens} {parameters.add(instants(value, end=True))})"
    raise ValueError(f"{op} with {value!r} is no comparison")


def _equals(v: str, value: Scalar, parameters: Parameters) -> str:
    match value:
        case bool():
            written = "true" if value else "false"
            return f"jsonb_typeof({v}) IN ('boolean', 'string') AND {_lower(v)} = '{written}'"
        case str():
            return f"{_lower(v)} = lower({parameters.add(value)}::text)"
        case _:
            return f"{_number(v, parameters)} = {_decimal(value, parameters)}"


def _one_of(v: str, choices: tuple[Scalar, ...], parameters: Parameters) -> str:
    texts = [one for one in choices if isinstance(one, str)]
    truths = {one for one in choices if isinstance(one, bool)}
    numbers = [Decimal(str(one)) for one in choices if not isinstance(one, str | bool)]
    parts = [_equals(v, truth, parameters) for truth in sorted(truths)]
    if texts:
        listed = f"SELECT lower(choice) FROM unnest({parameters.add(texts)}::text[]) AS choice"
        parts.append(f"{_lower(v)} IN ({listed})")
    if numbers:
        parts.append(f"{_number(v, parameters)} = ANY({parameters.add(numbers)}::numeric[])")
    return " OR ".join(f"({part})" for part in parts)


def _decimal(value: Any, parameters: Parameters) -> str:
    return f"{parameters.add(Decimal(str(value)))}::numeric"


def _number(v: str, parameters: Parameters) -> str:
    return (
        f"CASE jsonb_typeof({v}) WHEN 'number' THEN ({v})::numeric"
        f" WHEN 'string' THEN CASE WHEN {v} #>> '{{}}' ~ {parameters.add(NUMBER)} THEN ({v} #>> '{{}}')::numeric END END"
    )


def _time(v: str, parameters: Parameters) -> str:
    return (
        f"CASE WHEN jsonb_typeof({v}) = 'string' AND {v} #>> '{{}}' ~ {parameters.add(TIME)}"
        f" AND pg_input_is_valid({v} #>> '{{}}', 'timestamptz') THEN ({v} #>> '{{}}')::timestamptz END"
    )
