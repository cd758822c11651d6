"""Comparisons with a trait or property as SQL conditions on its JSON document: typed, never raising, whatever it holds.

The fragments are constants; names and values are parameters. `segments.rules` says what each comparison means.
"""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from segments.rules import Scalar, Value, instants, is_date

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
    found = _member(document, name, parameters)
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
    found = _member(document, name, parameters)
    first = f"(CASE jsonb_typeof({found}) WHEN 'array' THEN {found} -> 0 ELSE {found} END)"
    return f"coalesce({_time(first, parameters)}, '-infinity'::timestamptz)"


def _member(document: str, name: str, parameters: Parameters) -> str:
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
