"""What coded values mean: asked of the database for each distinct one, by the conditions that the table is asked by."""

from dataclasses import dataclass

import numpy as np

from cdp_site import sql
from segments.blocks.kept import kept
from segments.compare import Parameters, condition, values
from segments.rules import PropertyFilter, key

# Each value as the document that it would be in; 0 stands for an event that says nothing.
_DOCUMENTS = """
(SELECT code, jsonb_build_object({property}, value::jsonb) AS properties FROM block_value
 WHERE name_id = {name} AND property = {property} UNION ALL SELECT 0, '{{}}'::jsonb) AS document
"""


def _documents(name: int, property: str, parameters: Parameters) -> str:
    return _DOCUMENTS.format(name=parameters.add(name), property=f"{parameters.add(property)}::text")


def passed(name: int, generation: int, one: PropertyFilter, highest: int) -> np.ndarray:
    """Whether each code, up to `highest` at least, passes a filter. Cost: one pass over the values, once a process."""
    slot = ("passed", name, generation, key(one))
    known: np.ndarray | None = kept.get(slot)
    if known is None or len(known) <= highest:
        parameters = Parameters()
        documents = _documents(name, one.name, parameters)
        test = condition("properties", one.name, one.op, one.value, parameters)
        query = f"SELECT code, ({test})::int FROM {documents} ORDER BY code"
        known = sql.packed(query, parameters.values, [("code", "i4"), ("passed", "i2")])["passed"] != 0
        kept.put(slot, known, known.nbytes)
    return known


@dataclass(frozen=True)
class Meant:
    """The values that each code stands for (a list has several): those of code c are `items[first[c] : first[c + 1]]`."""

    first: np.ndarray
    items: np.ndarray
    single: bool

    def of(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows of events that have a value, one for each value, and the values."""
        count = np.diff(self.first)[codes]
        if self.single:
            rows = np.flatnonzero(count)
            return rows, self.items[self.first[codes[rows]]]
        rows = np.repeat(np.arange(len(codes)), count)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
        return rows, self.items[self.first[codes[rows]] + within]


def meant(name: int, generation: int, property: str, kind: str, highest: int) -> Meant:
    """The values of each code, up to `highest` at least: numbers times 10,000, or texts' codes. Cost: as above."""
    slot = ("meant", name, generation, property, kind)
    known: Meant | None = kept.get(slot)
    if known is None or len(known.first) <= highest + 1:
        parameters = Parameters()
        documents = _documents(name, property, parameters)
        joins, value = values("properties", property, kind, parameters)
        found = sql.packed(
            f"SELECT code, {value} FROM {documents} {joins} ORDER BY code",
            parameters.values,
            [("code", "i4"), ("value", "i8")],
        )
        most = sql.rows(
            "SELECT coalesce(max(code), 0) FROM block_value WHERE name_id = %s AND property = %s", (name, property)
        )[0][0]
        counts = np.bincount(found["code"], minlength=max(most, highest) + 1)
        first = np.concatenate([[0], np.cumsum(counts)])
        known = Meant(first, np.ascontiguousarray(found["value"]), bool(counts.max(initial=0) <= 1))
        kept.put(slot, known, known.first.nbytes + known.items.nbytes)
    return known
