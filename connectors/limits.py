"""How many messages a source may send a minute: a counter in PostgreSQL, so that all web processes count together."""

from django.utils import timezone

from cdp_site import sql

# What is refused isn't counted. A batch larger than the limit has a minute to itself: it could never be sent otherwise.
_COUNT = """
INSERT INTO rate_window AS counted (source_id, minute, messages) VALUES (%(source)b, %(minute)b, %(messages)b)
ON CONFLICT (source_id) DO UPDATE SET
    messages = CASE WHEN counted.minute = excluded.minute THEN counted.messages ELSE 0 END + excluded.messages,
    minute = excluded.minute
WHERE counted.minute <> excluded.minute OR counted.messages = 0
   OR counted.messages + excluded.messages <= %(limit)b::bigint
RETURNING 1
"""


def wait_for(source_id: int, limit: int, messages: int) -> int:
    """Count `messages` against `limit` a minute; 0 if they fit, else the seconds until the next minute begins."""
    now = timezone.now()
    minute = now.replace(second=0, microsecond=0)
    about = {"source": source_id, "minute": minute, "messages": messages, "limit": limit}
    return 0 if sql.rows(_COUNT, about) else 60 - now.second
