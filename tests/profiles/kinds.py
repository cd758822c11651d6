"""Kinds of identifiers with small limits, so that few identifiers reach them."""

from profiles.identifiers import ANONYMOUS, CARD, DEVICE, EMAIL, EXTERNAL, PHONE, RECORD, USER, Kind

# id: (limit, shared above, yields after so many days)
_RULES = {
    USER: (1, 3, 0), CARD: (2, 3, 0), EMAIL: (2, 2, 0), PHONE: (2, 2, 60), EXTERNAL: (20, 5, 0), DEVICE: (50, 2, 0),
    ANONYMOUS: (1000, 2, 40), RECORD: (1000, 0, 0),
}  # fmt: skip
KINDS = {
    id: Kind(id, str(id), id, limit, "attach" if id == RECORD else "merge", id < DEVICE, frozenset(), shared, yields)
    for id, (limit, shared, yields) in _RULES.items()
}
