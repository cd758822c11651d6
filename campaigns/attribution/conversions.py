"""A goal's conversions: its events, each order once, with what refunds and cancellations took back taken off."""

import numpy as np

from campaigns.attribution.hits import DEVICE, Names, People, devices, in_order, whose
from campaigns.attribution.journeys import Conversions
from campaigns.models import Goal
from cdp_site import sql
from segments.compare import MOST, Parameters, condition

# What an event is to a goal.
CONVERTS, TAKES_SOME, TAKES_ALL = 0, 1, 2

# Beyond MOST a value is none. An event that takes back, and has no value or is a cancellation, takes all.
_READ = """
SELECT profile_id, time, id, source_id, %(device)s,
       CASE WHEN name_id = ANY(%%(events)s::smallint[]) THEN 0
            WHEN value IS NULL OR name_id = ANY(%%(cancels)s::smallint[]) THEN 2 ELSE 1 END,
       coalesce(round(CASE WHEN abs(value) <= %(most)s THEN abs(value) END * 1000000), 0)::bigint,
       upper(coalesce(properties ->> 'currency', '')), coalesce(btrim(properties ->> %%(key)s::text), '')
FROM (SELECT profile_id, time, id, source_id, name_id, value, properties, context FROM event
      WHERE %(whose)s AND (name_id = ANY(%%(events)s::smallint[]) OR name_id = ANY(%%(backs)s::smallint[])) OFFSET 0) AS event
WHERE name_id = ANY(%%(backs)s::smallint[]) OR (coalesce(value, 0) >= 0 AND %(chosen)s)
"""
_COLUMNS = [
    ("profile_id", "i8"), ("time", "time"), ("id", "i8"), ("source_id", "i8"), ("device", "i2"), ("role", "i2"),
    ("value", "i8"), ("currency", "text"), ("key", "text"),
]  # fmt: skip
_NAMES = "SELECT name, id FROM event_name WHERE type = 'track' AND name = ANY(%s)"


def read(goal: Goal, people: People, known: Names) -> Conversions:
    """The conversions of some people. Cost: an index range of their events."""
    ids = dict(sql.rows(_NAMES, ([goal.event, *goal.back],)))
    where, parameters = whose(people)
    parameters |= {
        "events": [ids[name] for name in [goal.event] if name in ids],
        "backs": [ids[name] for name in goal.back if name in ids and name != goal.event],
        "cancels": [ids[name] for name in goal.back if name in ids and cancels(name)],
        "key": goal.key,
    }
    filters = Parameters()
    chosen = [condition("properties", one["property"], "is", one["is"], filters) for one in goal.where]
    query = _READ % {
        "device": DEVICE, "whose": where, "chosen": " AND ".join(chosen) or "true", "most": MOST,
    }  # fmt: skip
    rows = in_order(sql.packed(query, parameters | filters.values, _COLUMNS))
    return settled(rows, devices(rows["source_id"], rows["device"], known.category), goal.currency)


def cancels(event: str) -> bool:
    """Whether an event takes back the whole conversion, whatever value it names."""
    return event.lower().endswith(("cancelled", "canceled"))


def settled(rows: np.ndarray, device: np.ndarray, currency: str) -> Conversions:
    """What stands of each conversion. Pure; `rows` in order of (profile, time, id), as they are read above.

    Of several with the same key the first counts. What is taken back must name the key, and counts only in the currency
    of what it is taken from; an event without a currency is in the goal's.
    """
    converts = np.flatnonzero(rows["role"] == CONVERTS)
    profiles, keys = rows["profile_id"].tolist(), rows["key"].tolist()
    currencies = [one or currency for one in rows["currency"].tolist()]
    first: dict[tuple[int, str], int] = {}
    kept: list[int] = []
    for at in converts.tolist():
        if not keys[at] or first.setdefault((profiles[at], keys[at]), len(kept)) == len(kept):
            kept.append(at)
    place = np.array(kept, np.int64)
    worth = rows["value"][place]
    back, whole = np.zeros(len(kept), np.int64), np.zeros(len(kept), bool)
    for at in np.flatnonzero(rows["role"] != CONVERTS).tolist():
        taken_from = first.get((profiles[at], keys[at])) if keys[at] else None
        if taken_from is None:
            continue
        if rows["role"][at] == TAKES_ALL:
            whole[taken_from] = True
        elif currencies[at] == currencies[kept[taken_from]]:
            back[taken_from] += rows["value"][at]
    whole |= (back >= worth) & (worth > 0)
    back = np.where(whole, worth, np.minimum(back, worth))
    other = np.array([currencies[at] != currency for at in kept], bool)
    return Conversions(
        profile=np.ascontiguousarray(rows["profile_id"][place]),
        time=np.ascontiguousarray(rows["time"][place]),
        id=np.ascontiguousarray(rows["id"][place]),
        value=np.where(other, 0, worth - back), back=np.where(other, 0, back),
        whole=whole, other_currency=other, device=device[place],
    )  # fmt: skip
