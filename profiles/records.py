"""Orders, tickets, deals, subscriptions: things that change. The latest message about one says how it stands.

A record lives with the profile that its number leads to (its identifier of kind RECORD). An older message that comes
late fills only what nothing newer has said.
"""

from collections.abc import Iterable
from functools import reduce
from typing import Any
from uuid import UUID

import msgspec

from cdp_site import sql
from profiles.extract import RecordChange, Said

_json = msgspec.json.Encoder()

_UPSERT = """
INSERT INTO record AS kept (profile_id, source_id, kind, external_id, status, title, value, currency,
                            opened_at, closed_at, updated_at, message_key, properties)
SELECT profile_id, source_id, kind, external_id, status, title, value::numeric, currency,
       opened_at, closed_at, updated_at, message_key, properties::jsonb
FROM unnest(%b::bigint[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
            %b::timestamptz[], %b::timestamptz[], %b::timestamptz[], %b::uuid[], %b::text[])
     AS said (profile_id, source_id, kind, external_id, status, title, value, currency,
              opened_at, closed_at, updated_at, message_key, properties)
ON CONFLICT (profile_id, source_id, kind, external_id) DO UPDATE SET
    status = CASE WHEN {newer} AND excluded.status <> '' OR kept.status = '' THEN excluded.status ELSE kept.status END,
    closed_at = CASE WHEN {newer} AND excluded.status <> '' OR kept.status = ''
                     THEN excluded.closed_at ELSE kept.closed_at END,
    title = CASE WHEN {newer} AND excluded.title <> '' OR kept.title = '' THEN excluded.title ELSE kept.title END,
    value = CASE WHEN {newer} THEN coalesce(excluded.value, kept.value) ELSE coalesce(kept.value, excluded.value) END,
    currency = CASE WHEN {newer} AND excluded.currency <> '' OR kept.currency = ''
                    THEN excluded.currency ELSE kept.currency END,
    opened_at = least(kept.opened_at, excluded.opened_at),
    properties = CASE WHEN {newer} THEN kept.properties || excluded.properties
                      ELSE excluded.properties || kept.properties END,
    updated_at = CASE WHEN {newer} THEN excluded.updated_at ELSE kept.updated_at END,
    message_key = CASE WHEN {newer} THEN excluded.message_key ELSE kept.message_key END
""".replace("{newer}", "(excluded.updated_at, excluded.message_key) > (kept.updated_at, kept.message_key)")


def upsert(said: Iterable[tuple[int, Said]]) -> None:
    """Store what these messages say of records, by (profile of the record, message). One statement."""
    found: dict[tuple[int, int, str, str], list[Said]] = {}
    for profile, message in said:
        assert message.record is not None
        found.setdefault((profile, message.source_id, message.record.kind, message.record.external_id), []).append(
            message
        )
    if not found:
        return
    columns: list[list[Any]] = [[] for _ in range(13)]
    for (profile, source, kind, external_id), messages in sorted(found.items(), key=lambda item: item[0]):
        messages.sort(key=lambda message: (message.time, message.key))
        change = reduce(_then, (message.record for message in messages if message.record))
        row = (
            profile, source, kind, external_id, change.status, change.title, change.value, change.currency,
            change.opened_at, change.closed_at, messages[-1].time, UUID(bytes=messages[-1].key),
            _json.encode(change.properties).decode(),
        )  # fmt: skip
        for column, cell in zip(columns, row, strict=True):
            column.append(cell)
    with sql.cursor() as cursor:
        cursor.execute(_UPSERT, columns, prepare=True)


def _then(older: RecordChange, newer: RecordChange) -> RecordChange:
    """What two messages about a record say together."""
    return RecordChange(
        newer.kind, newer.external_id, newer.status or older.status, newer.title or older.title,
        newer.value if newer.value is not None else older.value, newer.currency or older.currency,
        min(older.opened_at, newer.opened_at), newer.closed_at if newer.status else older.closed_at,
        {**older.properties, **newer.properties},
    )  # fmt: skip
