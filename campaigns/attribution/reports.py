"""The `report` stage: saved views that go out by e-mail on their days.

An attempt is counted, and the next one set, in a transaction before anything is sent; each address has a letter of its own
(nobody sees who else gets it), and that it went is written at once. So what a killed worker left is tried again, only the
letter that was on its way in that very moment goes twice (with the same Message-ID, by which many mailboxes know it again), and
a mail server that is away costs nothing but time. After `TRIES` the report waits for its next day, and its page says what was
wrong.
"""

import smtplib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from hashlib import blake2b
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
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
    rest = [address for address in report.to if address not in report.sent_to]
    try:
        post(report, rest, lambda address: _reached(report, address))
    except Exception as error:  # noqa: BLE001  # whatever it is, the report's page says it
        log.warning("report_failed", report_id=report.pk, attempts=report.attempts, error=type(error).__name__)
        again = _next_round(report, now) if report.attempts >= TRIES else {}
        Report.objects.filter(pk=report.pk).update(error=in_words(error), **again)
        return 0
    Report.objects.filter(pk=report.pk).update(sent_at=now, error="", **_next_round(report, now))
    log.info("report_sent", report_id=report.pk, addresses=len(rest))
    return 1


def _reached(report: Report, address: str) -> None:
    report.sent_to = [*report.sent_to, address]
    Report.objects.filter(pk=report.pk).update(sent_to=report.sent_to)


def _next_round(report: Report, now: datetime) -> dict[str, object]:
    due = next_due(report.weekdays, report.hour, now)
    return {"attempts": 0, "due_at": due, "round": report.round + 1, "sent_to": []}


class Refused(Exception):
    """The mail server took the letter for some addresses and not for these, with what it said of each."""

    def __init__(self, said: dict[str, str]) -> None:
        super().__init__("; ".join(f"{address}: {reason}" for address, reason in said.items()))


# After these the next address would only wait as long again.
_AWAY = (ConnectionError, TimeoutError, smtplib.SMTPServerDisconnected, smtplib.SMTPAuthenticationError)


def post(report: Report, to: Sequence[str], reached: Callable[[str], None] = lambda address: None) -> None:
    """Write a report's letter with the numbers of now, and hand it to the mail server for one address after another.

    `reached` is told of each address whose letter was taken. Raises what the server says; `Refused` where it was only some.
    """
    letter = letters.written(report)
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    refused: dict[str, str] = {}
    with get_connection(timeout=SMTP_TIMEOUT) as connection:
        for address in to:
            whose = blake2b(address.encode(), digest_size=8).hexdigest()
            message = EmailMultiAlternatives(
                letter.subject, letter.text, to=[address], connection=connection,
                headers={"Message-ID": f"<report-{report.pk}-{report.round}-{whose}@{domain}>"},
            )  # fmt: skip
            message.attach_alternative(letter.html, "text/html")
            message.attach(letter.file_name, letter.table, "text/csv")
            try:
                message.send()
            except _AWAY:
                raise
            except Exception as error:  # noqa: BLE001  # one address's, not the others'
                refused[address] = _said(error)
            else:
                reached(address)
    if refused:
        raise Refused(refused)


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(
            f"{code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
            for code, said in error.recipients.values()
        )
    return str(error) or type(error).__name__


def in_words(error: Exception) -> str:
    """What went wrong, for whoever can mend it."""
    if isinstance(error, (ConnectionError, TimeoutError)):
        return f"The mail server can't be reached ({error}). Check EMAIL_URL."[:LONGEST_ERROR]
    if isinstance(error, Refused):
        return f"The mail server didn't take it for {error}"[:LONGEST_ERROR]
    if isinstance(error, NoGoal):
        return str(error)
    return f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
