"""The `report` stage: saved views that go out by e-mail on their days.

An attempt is counted, and the next one set, in a transaction before the letter is sent; that it went is written after. So
a killed worker's letter is tried again, a letter that was sent is sent again only when the worker died in the moment
between, and a mail server that is away costs nothing but time. After `TRIES` the report waits for its next day, and its page
says what was wrong.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.utils import timezone

from campaigns.attribution import letters
from campaigns.attribution.asking import NoGoal
from campaigns.models import Report
from cdp_site import sql, stages

log = structlog.get_logger(__name__)
TRIES = 6
# Between an attempt and the next one; also how long an attempt may take before it counts as lost.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120))
SMTP_TIMEOUT = 20  # seconds
AT_ONCE = 20  # letters a batch
LONGEST_ERROR = 500  # characters


def next_due(weekdays: Sequence[int], hour: int, after: datetime) -> datetime:
    """The next of these weekdays (0 is Monday) at this hour of the company's time zone, later than `after`. Where the clock
    jumps over the hour, the hour after it."""
    zone = timezone.get_current_timezone()
    assert isinstance(zone, ZoneInfo)
    today = after.astimezone(zone).date()
    for days in range(9):
        day = today + timedelta(days=days)
        due = datetime(day.year, day.month, day.day, hour, tzinfo=zone)
        if (not weekdays or day.weekday() in weekdays) and due > after:
            return due
    raise AssertionError("a week has every day")


_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM attribution_report WHERE enabled AND due_at <= %(now)s ORDER BY due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
UPDATE attribution_report SET attempts = attempts + 1, due_at = %(now)s + (%(waits)s::interval[])[least(attempts + 1, 5)]
FROM due WHERE attribution_report.id = due.id RETURNING attribution_report.id
"""


@stages.stage("report", counts="reports", every=60.0)
def send_due() -> int:
    """Send what is due; returns how many letters went out. Cost: the numbers of a page each, and the mail server's time."""
    return sum(_send(id) for id in _claim())


@transaction.atomic
def _claim() -> list[int]:
    claimed = sql.rows(_CLAIM, {"now": timezone.now(), "most": AT_ONCE, "waits": list(WAITS)})
    return [id for (id,) in claimed]


def _send(report_id: int) -> int:
    report = Report.objects.select_related("view").filter(pk=report_id).first()
    if report is None:  # taken away meanwhile
        return 0
    now = timezone.now()
    try:
        post(report, report.to)
    except Exception as error:  # noqa: BLE001  # whatever it is, the report's page says it
        log.warning("report_failed", report_id=report.pk, attempts=report.attempts, error=type(error).__name__)
        given_up = report.attempts >= TRIES
        again = {"attempts": 0, "due_at": next_due(report.weekdays, report.hour, now)} if given_up else {}
        Report.objects.filter(pk=report.pk).update(error=in_words(error), **again)
        return 0
    due = next_due(report.weekdays, report.hour, now)
    Report.objects.filter(pk=report.pk).update(attempts=0, due_at=due, sent_at=now, error="")
    log.info("report_sent", report_id=report.pk, addresses=len(report.to))
    return 1


def post(report: Report, to: Sequence[str]) -> None:
    """Write a report's letter with the numbers of now, and hand it to the mail server. Raises what that says."""
    letter = letters.written(report)
    message = EmailMultiAlternatives(
        letter.subject, letter.text, to=list(to), connection=get_connection(timeout=SMTP_TIMEOUT)
    )
    message.attach_alternative(letter.html, "text/html")
    message.attach(letter.file_name, letter.table, "text/csv")
    message.send()


def in_words(error: Exception) -> str:
    """What went wrong, for whoever can mend it."""
    if isinstance(error, (ConnectionError, TimeoutError)):
        return f"The mail server can't be reached ({error}). Check EMAIL_URL."[:LONGEST_ERROR]
    if isinstance(error, NoGoal):
        return str(error)
    return f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
