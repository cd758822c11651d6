"""How many messages a source may send a minute: a counter in PostgreSQL, so that all web processes count together."""

from django.utils import timezone

from cdp_site import sql

_COUNT = """
INSERT INTO rate_window (source_id, minute, messages) VALUES (%b, %b, %b)
ON CONFLICT (source_id) DO UPDATE SET
    messages = CASE WHEN rate_window.minute = excluded.minute THEN rate_window.messages ELSE 0 END + excluded.messages,
    minute = excluded.minute
RETURNING messages
"""


def wait_for(source_id: int, limit: int, messages: int) -> int:
    """Count `messages` against `limit` a minute; 0 if they fit, else the seconds until the next minute begins."""
    now = timezone.now()
    minute = now.replace(second=0, microsecond=0)
    counted = sql.rows(_COUNT, (source_id, minute, messages))[0][0]
    return 0 if counted <= limit else 60 - now.second
