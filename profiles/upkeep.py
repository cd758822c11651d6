"""The stage that tidies up: worked-off bodies are thrown away after a day, the account is summed up after two."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from cdp_site import sql
from cdp_site.arrays import int8s
from cdp_site.stages import stage
from profiles import inbox

# Long enough to look at what came in yesterday, in the live stream.
KEEP_BODIES = timedelta(days=1)
# What was rejected and sent through again is only history; what wasn't, stays.
KEEP_REPLAYED = timedelta(days=30)
# Pages show minutes of the last hour and hours of the last day.
KEEP_BATCHES = timedelta(days=2)


@stage("upkeep", counts="rows_tidied_up", every=600)
def tidy_up() -> int:
    """Throw away or sum up what is no longer needed one by one; a bounded number of rows at a time."""
    now = timezone.now()
    return inbox.purge(now - KEEP_BODIES) or inbox.forget_replayed(now - KEEP_REPLAYED) or sum_up(now - KEEP_BATCHES)


# The oldest hour that has more than one row a source.
_HOUR = """
SELECT date_trunc('hour', at) FROM drain_batch WHERE at < date_trunc('hour', %b::timestamptz)
GROUP BY 1 HAVING count(*) > count(DISTINCT source_id) ORDER BY 1 LIMIT 1
"""
_TAKE = """
WITH taken AS (
    DELETE FROM drain_batch WHERE at >= %b::timestamptz AND at < %b::timestamptz + interval '1 hour'
    RETURNING id, source_id, messages, stored, duplicates, rejected
)
SELECT source_id, min(id), count(*), sum(messages)::int, sum(stored)::int, sum(duplicates)::int, sum(rejected)::int
FROM taken GROUP BY source_id
"""
_PUT = """
INSERT INTO drain_batch (id, source_id, at, messages, stored, duplicates, rejected)
SELECT id, source_id, %b::timestamptz, messages, stored, duplicates, rejected
FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[])
     AS summed (id, source_id, messages, stored, duplicates, rejected)
"""


def sum_up(before: datetime) -> int:
    """Make one row a source of one hour's batches; returns how many rows were taken together. The sums stay the same."""
    hours = sql.rows(_HOUR, (before,))
    if not hours:
        return 0
    hour = hours[0][0]
    with transaction.atomic():
        summed = sql.rows(_TAKE, (hour, hour))
        if not summed:
            return 0
        # Under the id of its first: who remembers up to where they have added up (`cdp_site.metrics`) is right still.
        sources, ids, rows, messages, stored, duplicates, rejected = zip(*summed, strict=True)
        columns = (
            int8s(ids),
            int8s(sources),
            int8s(messages),
            int8s(stored),
            int8s(duplicates),
            int8s(rejected),
        )
        with sql.cursor() as cursor:
            cursor.execute(_PUT, (hour, *columns))
    return sum(rows)
