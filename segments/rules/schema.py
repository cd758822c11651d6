"""The JSON Schema (draft 2020-12) of rules, made from the algebra's own constants.

It accepts whatever `from_json` accepts. What a schema can't say is left to that: that dates are dates and begin with the
earlier one, how deep groups may be nested and how many conditions a rule may have.
"""

from typing import Any as Anything

from segments.rules.values import (
    AGAINST,
    AGGREGATES,
    COMPARES,
    CONSENTS,
    DAY,
    MAX_CHOICES,
    MAX_DAYS,
    MAX_DEPTH,
    MAX_NAME,
    MAX_NODES,
    MAX_NUMBER,
    MAX_STEPS,
    MAX_TEXT,
    MAX_TIMES,
    OPS,
    PROPERTY_OPS,
    RECORD_OPS,
    SCORE_OPS,
    STATES,
    UNITS,
    WEEK,
    WHENS,
    Op,
)

Schema = dict[str, Anything]
MAX_BIRTHDAY = 366
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_STORABLE = "^[^\\u0000]*$"


def schema() -> Schema:
    """The whole schema: a rule, with a definition for each kind of condition."""
    kinds = _groups() | _about_events() | _about_the_person()
    return {
        "$schema": _DIALECT,
        "title": "Rule",
        "description": f"Which people a segment has. A rule has at most {MAX_NODES} conditions, filters and events of sequences "
        f"and anchors, nested at most {MAX_DEPTH} deep.",
        "$ref": "#/$defs/rule",
        "$defs": {"rule": {"oneOf": [_ref(kind) for kind in kinds]}, **kinds, **_parts()},
    }


def _groups() -> dict[str, Schema]:
    several = {"type": "array", "items": _ref("rule"), "minItems": 1}
    return {
        "all": _object("Every condition holds.", {"all": several}, ["all"]),
        "any": _object("At least one condition holds.", {"any": several}, ["any"]),
        "not": _object("The condition doesn't hold.", {"not": _ref("rule")}, ["not"]),
    }


def _about_events() -> dict[str, Schema]:
    spans = _spans("within", MAX_DAYS // 2)
    return {
        "did": _object(
            "How often the person did something; at least once where no number of times is given.",
            {"did": _ref("name"), **_CHOSEN, **_compares(), **_windows()},
            ["did"], _at_most_one(*COMPARES), *_one_window(),
        ),
        "total": _object(
            "A total of the values of a property of events, compared with a number.",
            {"total": {"enum": [one for one in AGGREGATES if one != "count"]}, "property": _ref("name"), "of": _ref("name"),
             **_CHOSEN, **_windows(), **{one: _ref("number") for one in AGAINST}},
            ["total", "property", "of"], _exactly_one(*AGAINST), *_one_window(),
        ),
        "moment": _object(
            "When the first or the last of some events was.",
            {"moment": {"enum": ["first", "last"]}, "of": _ref("name"), **_CHOSEN,
             "in_last_days": _whole(1, MAX_DAYS), "over_days_ago": _whole(1, MAX_DAYS),
             "before": _ref("moment_of_time"), "after": _ref("moment_of_time"), "between": _ref("moments_of_time")},
            ["moment", "of"], _exactly_one(*WHENS),
        ),
        "changed": _object(
            "Fewer or more events (or less or more of a property's sum) than in the period before, at least by so many per cent.",
            {"changed": {"enum": ["fewer", "more"]}, "of": _ref("name"), **_CHOSEN, **spans, "sum_of": _ref("name"),
             "percent": _positive(1_000_000)},
            ["changed", "of"], _exactly_one(*spans),
            {"if": {"properties": {"changed": {"const": "fewer"}}}, "then": {"properties": {"percent": {"maximum": 100}}}},
        ),
        "sequence": _object(
            "Events one after the other; the last at most so long after the first, and none of `without` after it in that time.",
            {"sequence": {"type": "array", "items": _ref("events"), "minItems": 2, "maxItems": MAX_STEPS},
             **_spans("within"), **_spans("in_last"), "without": _ref("events")},
            ["sequence"], _exactly_one(*_spans("within")), _at_most_one(*_spans("in_last")),
        ),
    }  # fmt: skip


def _about_the_person() -> dict[str, Schema]:
    return {
        "trait": _compared("A trait of the person compared.", "trait", OPS),
        "has": _object(
            "The person has an identifier of this kind.",
            {"has": {"allOf": [_ref("name"), {"not": {"const": "anonymous"}}]}}, ["has"],
        ),
        "anonymous": _object(
            "The person has (false), or hasn't (true), an identifier that makes somebody known.",
            {"anonymous": {"type": "boolean"}}, ["anonymous"],
        ),
        "consent": _object(
            "What the person said of a channel.",
            {"consent": _ref("name"), "is": {"enum": list(CONSENTS), "default": "given"}}, ["consent"],
        ),
        "score": _compared("A score of the person compared.", "score", SCORE_OPS),
        "records": _object(
            "How many records of a kind the person has; at least one where no number is given.",
            {"records": _ref("name"), "state": {"enum": list(STATES), "default": "open"},
             "where": {"type": "array", "items": _ref("record_filter")}, **_compares()},
            ["records"], _at_most_one(*COMPARES),
        ),
        "segment": _object("The person is in another segment, by its name.", {"segment": _ref("name")}, ["segment"]),
        "sample": _object(
            "A share of all people in per cent, the same ones each time; others for another salt.",
            {"sample": _positive(100), "salt": {"anyOf": [_ref("name"), {"const": ""}]}}, ["sample"],
        ),
        "top": _object(
            "The person's value is among the highest.",
            {"top": {"type": "number"}, "unit": {"enum": ["people", "percent"], "default": "percent"},
             "by": {"oneOf": [
                 _object("", {"trait": _ref("name")}, ["trait"]),
                 _object("", {"score": _ref("name")}, ["score"]),
                 _ref("ranked_total"),
             ]}},
            ["top", "by"],
            {"if": {"properties": {"unit": {"const": "people"}}, "required": ["unit"]},
             "then": {"properties": {"top": _whole(1, 1_000_000_000)}}, "else": {"properties": {"top": _positive(100)}}},
        ),
    }  # fmt: skip


def _parts() -> dict[str, Schema]:
    """What conditions are made of."""
    scalar = {"anyOf": [_ref("text"), _ref("number"), {"type": "boolean"}]}
    return {
        "name": _text(MAX_NAME),
        "text": _text(MAX_TEXT),
        "number": {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER},
        "scalar": scalar,
        "moment_of_time": _text(MAX_TEXT) | {
            "description": "A date (its whole day) like 2026-11-24, or a time like 2026-11-24T09:30:00Z.",
        },
        "moments_of_time": _pair("moment_of_time"),
        "numbers": _pair("number"),
        "filter": _compared("A property of an event compared.", "property", PROPERTY_OPS),
        "record_filter": _compared("A field or property of a record compared.", "property", RECORD_OPS),
        "hours": _object(
            "Days and times of day in the company's time zone; over midnight where `from` comes after `to`.",
            {"days": {"type": "array", "items": {"enum": list(WEEK)}},
             "from": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
             "to": {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}},
            [], {"dependentRequired": {"from": ["to"], "to": ["from"]}, "minProperties": 1},
        ),
        "events": {"oneOf": [_ref("name"), _object("Events that pass filters.", {"did": _ref("name"), **_CHOSEN}, ["did"])]},
        "ranked_total": _object(
            "A total of events, by which people are ranked.",
            {"total": {"enum": list(AGGREGATES)}, "property": _ref("name"), "of": _ref("name"), **_CHOSEN, **_windows()},
            ["total", "of"],
            {"if": {"properties": {"total": {"const": "count"}}}, "then": {"properties": {"property": False}},
             "else": {"required": ["property"]}},
            *_one_window(),
        ),
    }  # fmt: skip


def _object(description: str, properties: Schema, required: list[str], *also: Schema) -> Schema:
    """An object with these properties and no others. `also`: schemas that hold besides."""
    answer: Schema = {"description": description} if description else {}
    answer |= {"type": "object", "properties": properties, "additionalProperties": False}
    answer |= {"required": required} if required else {}
    return answer | ({"allOf": list(also)} if also else {})


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _text(longest: int) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": longest, "pattern": _STORABLE}


def _pair(of: str) -> Schema:
    return {"type": "array", "items": _ref(of), "minItems": 2, "maxItems": 2}


def _whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _positive(most: int) -> Schema:
    return {"type": "number", "exclusiveMinimum": 0, "maximum": most}


# What chooses among the events of a name.
_CHOSEN: Schema = {"where": {"type": "array", "items": _ref("filter")}, "on": _ref("hours")}
_CLOCK = _whole(1, MAX_DAYS)
_VALUES: dict[Op, Schema] = {
    "is": _ref("scalar"), "is_not": _ref("scalar"), "contains": _ref("text"), "starts_with": _ref("text"),
    "one_of": {"type": "array", "items": _ref("scalar"), "minItems": 1, "maxItems": MAX_CHOICES},
    "exists": {"const": True}, "missing": {"const": True}, "greater": _ref("number"), "less": _ref("number"),
    "between": {"anyOf": [_ref("numbers"), _ref("moments_of_time")]},
    "before": _ref("moment_of_time"), "after": _ref("moment_of_time"),
    "in_last_days": _CLOCK, "in_next_days": _CLOCK, "birthday_in": _whole(0, MAX_BIRTHDAY),
}  # fmt: skip


def _compared(description: str, kind: str, ops: tuple[Op, ...]) -> Schema:
    values: Schema = {str(op): _VALUES[op] for op in ops}
    if kind == "score":
        values["between"] = _ref("numbers")
    return _object(description, {kind: _ref("name"), **values}, [kind], _exactly_one(*ops))


def _compares() -> Schema:
    return {one: _whole(1 if one == "at_least" else 0, MAX_TIMES) for one in COMPARES}


def _spans(name: str, most_days: int = MAX_DAYS) -> Schema:
    return {f"{name}_{unit}": _whole(1, most_days * DAY // size) for unit, size in UNITS.items()}


def _windows() -> Schema:
    return {
        **_spans("within"), **_spans("first"), "after_first": _ref("events"), "since_last": _ref("events"),
        "between": _ref("moments_of_time"),
    }  # fmt: skip


def _one_window() -> tuple[Schema, ...]:
    """At most one window; how long and after what belong together."""
    first = list(_spans("first"))
    return (
        _at_most_one(*_spans("within"), *first, "between", "since_last"),
        {"dependentRequired": {name: ["after_first"] for name in first}},
        {"dependentSchemas": {"after_first": _exactly_one(*first)}},
    )


def _exactly_one(*names: str) -> Schema:
    return {"oneOf": [{"required": [name]} for name in names]}


def _at_most_one(*names: str) -> Schema:
    none = {"not": {"anyOf": [{"required": [name]} for name in names]}}
    return {"oneOf": [none, *({"required": [name]} for name in names)]}
