"""What the builder's controls offer, in the words of a sentence. Plain values."""

HOWS = {"all": "All of these", "any": "Any of these", "none": "None of these"}
# How a condition begins, said plainly and denied.
_VERBS = {
    "did": ("did", "did not do"),
    "total": ("their", "not: their"),
    "moment": ("did for the", "did not do for the"),
    "changed": ("did", "did not do"),
    "sequence": ("did", "did not do"),
    "trait": ("their", "not: their"),
    "known": ("have", "have no"),
    "anonymous": ("are", "are not"),
    "consent": ("their consent to", "not: their consent to"),
    "score": ("their score", "not: their score"),
    "records": ("have", "don’t have"),
    "segment": ("are in segment", "are not in segment"),
    "sample": ("are in a sample of", "are not in a sample of"),
    "top": ("are in the top", "are not in the top"),
}
VERBS = {kind: {"": plain, "not": denied} for kind, (plain, denied) in _VERBS.items()}
COMPARES = {"at_least": "at least", "at_most": "at most", "exactly": "exactly"}
AGAINST = {"more": "more than", "less": "less than", **COMPARES}
# Seconds are offered only where a rule has them already.
UNITS = {"days": "days", "hours": "hours", "minutes": "minutes", "seconds": "seconds"}
WINDOWS = {
    "ever": "ever", "last": "in the last", "between": "between", "first": "in the first", "since": "since the last",
}  # fmt: skip
AGGREGATES = {
    "sum": "sum of", "average": "average", "lowest": "lowest", "highest": "highest", "distinct": "number of distinct",
}  # fmt: skip
TOPS = {
    "trait": "the trait", "score": "the score", "count": "how often they did", "sum": "the sum of",
    "average": "the average", "lowest": "the lowest", "highest": "the highest", "distinct": "the number of distinct",
}  # fmt: skip
TOP_UNITS = {"percent": "%", "people": "people"}
WHICH = {"first": "first time", "last": "last time"}
WHENS = {
    "in_last_days": "in the last", "over_days_ago": "more than", "before": "before", "after": "after",
    "between": "between",
}  # fmt: skip
DIRECTIONS = {"fewer": "less", "more": "more"}
CHANGED_BY = {"count": "often", "sum": "by the sum of"}
STATES = {"open": "open", "closed": "closed", "any": "open or closed"}
CONSENT_STATES = {"given": "is given", "denied": "is refused", "unknown": "was never asked"}
OPS = {
    "is": "is", "is_not": "is not", "contains": "contains", "starts_with": "starts with", "one_of": "is one of",
    "greater": "is more than", "less": "is less than", "between": "is between", "before": "is before",
    "after": "is after", "in_last_days": "was in the last", "in_next_days": "is in the next",
    "birthday_in": "has its day in the next", "exists": "is known", "missing": "is unknown",
}  # fmt: skip
FILTER_OPS = {op: words for op, words in OPS.items() if op not in ("in_last_days", "in_next_days", "birthday_in")}
RECORD_OPS = {op: words for op, words in OPS.items() if op != "birthday_in"}
SCORE_OPS = {op: OPS[op] for op in ("greater", "less", "between", "exists", "missing")}
RECORD_FIELDS = ("status", "title", "value", "currency", "opened_at", "closed_at", "updated_at")
WEEK = {"mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat", "sun": "Sun"}
# What the value's field says where it is empty.
HINTS = {"one_of": "one, another", "between": "1 and 10"}
DATED = ("before", "after")
WHEN_DAYS = ("in_last_days", "over_days_ago")
DAYS = ("in_last_days", "in_next_days", "birthday_in")
