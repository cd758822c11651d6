"""Whether the people of a file are all in their arms yet: until then nothing is said of what an experiment added.

A file goes the way of all messages, which takes seconds to minutes; a result of those who are there already looks as sure as
the whole one, and is wrong.
"""

from datetime import timedelta

from campaigns.models import Experiment
from cdp_site import sql
from cdp_site.ids import first_at

# Chunks are resolved side by side: others of the file may be done so long after the last one.
ASIDE = timedelta(seconds=5)

_LAST = "SELECT source_id, done_at FROM inbox WHERE id = %s"
_UNREAD = "SELECT coalesce(sum(messages), 0)::bigint FROM inbox WHERE done_at IS NULL AND source_id = %s AND id <= %s"
# Keys are made in time, and kept from queue to queue.
_QUEUED = """
SELECT (SELECT count(*) FROM changed_profile WHERE id < %(end)s) + (SELECT count(*) FROM evaluated_profile WHERE id < %(end)s)
    + (SELECT count(*) FROM enrol_profile WHERE id < %(end)s)
"""


def left(experiment: Experiment) -> int:
    """About how many of its last file's lines are still to be read and followed; 0 when all are. Others who changed at the
    same time are counted along. Cost: up to three lookups; nothing for an experiment without a file."""
    if experiment.file_inbox_id is None:
        return 0
    last = sql.rows(_LAST, (experiment.file_inbox_id,))
    if not last:  # done so long ago that it was tidied up
        return 0
    source, done_at = last[0]
    unread = int(sql.rows(_UNREAD, (source, experiment.file_inbox_id))[0][0])
    if unread or done_at is None:
        return max(unread, 1)
    return int(sql.rows(_QUEUED, {"end": first_at(done_at + ASIDE)})[0][0])


def sentence(number: int) -> str:
    """What stands in the place of a result."""
    return f"About {number:,} enrolments of a file are still being read: what it added is said once all are."
