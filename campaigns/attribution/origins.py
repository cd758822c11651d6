"""The dictionary of where touchpoints come from: the texts of an origin, and their small numbers.

Journeys hold numbers only. Which channel and campaign an origin means is looked up when journeys are read, so neither the
rule table nor a campaign's names change a journey.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import unquote

from django.utils import timezone

from cdp_site import sql
from cdp_site.arrays import int8s, texts

MOST_ORIGINS = 100_000
MOST_TEXT = 200  # characters


class Texts(NamedTuple):
    """What an origin says, folded (`fold`); `campaigns.models.Origin` tells what each text is.

    `event` is one of those of `campaigns.attribution.said.EVENTS`, in lower case and by one name each (`email clicked`,
    `phone call`, …), empty for a visit.
    """

    category: str = ""
    event: str = ""
    said: str = ""
    source: str = ""
    medium: str = ""
    campaign_name: str = ""
    ad: str = ""
    referrer: str = ""
    click: str = ""

    @property
    def direct(self) -> bool:
        """A visit of which nothing is known but on what it was."""
        return not any(self[1:])


# Stands for all that don't find room in the dictionary.
OVERFLOW = Texts(event="too many origins")
OVERFLOW_ID = 0


@lru_cache(maxsize=65_536)
def fold(text: str, *, encoded: bool = True) -> str:
    """A text as origins and campaign names have it: lower case, blanks single, at most 200 characters, %20 and so on read.

    `encoded`: False for what was read from an address's query already.
    """
    plain = unquote(text) if encoded and "%" in text else text
    kept = "".join(one if one.isprintable() else " " for one in plain.lower())
    return " ".join(kept.split())[:MOST_TEXT].rstrip()


def key_of(origin: Texts) -> int:
    """The key under which an origin is known: 64 bits of a hash."""
    digest = blake2b("\x1f".join(origin).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


_KNOWN = "SELECT key, id FROM touch_origin WHERE key = ANY(%b::bigint[])"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('tributary origins', 0))"
_LAST = "SELECT coalesce(max(id), 0) FROM touch_origin"
_ADD = """
INSERT INTO touch_origin (id, key, category, event, said, source, medium, campaign_name, ad, referrer, click, first_seen)
SELECT *, %b::timestamptz FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
    %b::text[], %b::text[], %b::text[], %b::text[])
ON CONFLICT DO NOTHING
"""


def numbers(origins: Sequence[Texts]) -> list[int]:
    """The number of each of these origins in the dictionary; new ones get the next, and their channel and campaign.

    Within the caller's transaction. Cost: one query for all; two more where some are new.
    """
    keys = [key_of(one) for one in origins]
    known = _known(keys)
    if missing := {key: one for key, one in zip(keys, origins, strict=True) if key not in known}:
        with sql.cursor() as cursor:
            # New ones are rare; one at a time adds, so that numbers stay small.
            cursor.execute(_LOCK)
        known |= _known(list(missing))
        fresh = {key: one for key, one in missing.items() if key not in known}
        known |= _add(fresh)
    return [known.get(key, OVERFLOW_ID) for key in keys]


def known_numbers(origins: Sequence[Texts]) -> list[int]:
    """The number of each of these origins, and that of the overflow for those that have none: nothing is added."""
    keys = [key_of(one) for one in origins]
    known = _known(keys)
    return [known.get(key, OVERFLOW_ID) for key in keys]


def _known(keys: Sequence[int]) -> dict[int, int]:
    return dict(sql.rows(_KNOWN, (int8s(keys),))) if keys else {}


def _add(fresh: dict[int, Texts]) -> dict[int, int]:
    """Give these the next numbers, as far as there is room."""
    last = int(sql.rows(_LAST)[0][0])
    room = max(MOST_ORIGINS - last, 0)
    added = {key: last + place for place, key in enumerate(list(fresh)[:room], 1)}
    rows = [(added[key], key, *one) for key, one in fresh.items() if key in added]
    if len(added) < len(fresh):
        rows.append((OVERFLOW_ID, key_of(OVERFLOW), *OVERFLOW))
    if not rows:
        return {}
    ids, keys, *said = zip(*rows, strict=True)
    with sql.cursor() as cursor:
        cursor.execute(_ADD, (timezone.now(), int8s(ids), int8s(keys), *(texts(column) for column in said)))
    # Imported here: whoever reads the rule table may want to fold its texts like these.
    from campaigns.attribution import channels

    channels.assign([*added.values()] + ([OVERFLOW_ID] if len(added) < len(fresh) else []))
    return added
