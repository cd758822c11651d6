"""The front page's figures: each one statement over small tables, cheap enough to be asked every few seconds."""

from dataclasses import dataclass
from datetime import timedelta

from django.core.cache import cache
from django.db.models import Sum
from django.db.models.functions import TruncMinute
from django.utils import timezone

from cdp_site import sql
from cdp_site.models import Progress
from connectors import status
from connectors.health import SourceHealth
from connectors.models import Destination, Source
from profiles import shared
from profiles.matching import review
from profiles.models import Batch, Inbox, Rejected
from segments.models import Segment
from segments.report import changes_in_a_week

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class People:
    total: int
    identified: int
    new_this_week: int

    @property
    def anonymous(self) -> int:
        return self.total - self.identified

    @property
    def share(self) -> float:
        return self.identified / self.total if self.total else 0.0


@dataclass(frozen=True)
class Moved:
    """A segment with its size now and what it gained or lost in a week; None while it is too young to say."""

    segment: Segment
    change: int | None


@dataclass(frozen=True)
class Concern:
    """Something that needs somebody: what, and where to mend it."""

    text: str
    where: str
    state: str = "warn"


@dataclass(frozen=True)
class Flow:
    """Messages a minute over the last hour, oldest first, and how many wait in the inbox."""

    minutes: list[int]
    waiting: int

    @property
    def now(self) -> int:
        """The last full minute."""
        return self.minutes[-2] if len(self.minutes) > 1 else 0


_PEOPLE = """
SELECT count(*), count(*) FILTER (WHERE identified), count(*) FILTER (WHERE first_seen > %s) FROM profile
"""


def people() -> People:
    """Cost: one pass over the profiles (10 ms a hundred thousand)."""
    return People(*sql.rows(_PEOPLE, (timezone.now() - WEEK,))[0])


_GROWTH = """
SELECT month::date, coalesce(sum(born) OVER (ORDER BY month), 0) FROM (
    SELECT date_trunc('month', first_seen) AS month, count(*) AS born FROM profile GROUP BY 1
) AS months ORDER BY month DESC LIMIT 18
"""


def growth() -> list[int]:
    """Customers at the end of each of the last months in which somebody came, oldest first; looked up every 5 minutes.

    Cost: one pass over the profiles.
    """
    found = cache.get("home.growth")
    if found is None:
        found = [int(total) for _, total in sql.rows(_GROWTH)][::-1]
        cache.set("home.growth", found, timeout=300)
    return found


def flow() -> Flow:
    now = timezone.now()
    first = now.replace(second=0, microsecond=0) - timedelta(minutes=59)
    rows = (
        Batch.objects.filter(at__gte=first)
        .annotate(minute=TruncMinute("at"))
        .values("minute")
        .annotate(messages=Sum("messages"))
    )
    by_minute = {row["minute"]: row["messages"] for row in rows}
    waiting = Inbox.objects.filter(done_at=None).aggregate(sum=Sum("messages"))["sum"] or 0
    return Flow([by_minute.get(first + timedelta(minutes=minute), 0) for minute in range(60)], waiting)


def moved(most: int = 5) -> list[Moved]:
    """Live segments by how much their size changed in a week."""
    changes = changes_in_a_week()
    live = Segment.objects.filter(status=Segment.Status.LIVE)
    found = [Moved(segment, changes.get(segment.pk)) for segment in live]
    return sorted(found, key=lambda one: (-abs(one.change or 0), -one.segment.size))[:most]


def concerns(health: list[SourceHealth]) -> list[Concern]:
    found = []
    rejected = Rejected.objects.filter(replayed_at=None, received_at__gt=timezone.now() - WEEK).count()
    if rejected:
        found.append(
            Concern(f"{rejected:,} message{'s' if rejected > 1 else ''} rejected this week", "/connectors/rejected/")
        )
    for one in health:
        if one.state == "warn":
            found.append(Concern(f"{one.source.name} has gone quiet", f"/connectors/sources/{one.source.pk}/"))
    for audience in status.statuses():
        if audience.state.needs_somebody:
            text = f"{audience.destination}: {audience.audience} is {audience.state.value.lower()}"
            found.append(Concern(text, "/connectors/", "bad"))
    return found


def concerns_of_admins() -> list[Concern]:
    """What only an admin can judge: identifiers that turned out to be nobody's in particular."""
    number = shared.fresh()
    if not number:
        return []
    was, join = ("identifiers were", "join") if number > 1 else ("identifier was", "joins")
    text = f"{number:,} {was} seen with too many people this week, and {join} nobody any more"
    return [Concern(text, "/admin/profiles/identifierkind/shared/")]


def matches_waiting() -> list[Concern]:
    """Pairs of people about whom somebody should be asked."""
    number = review.number_waiting()
    return (
        [Concern(f"{number:,} pair{'s' if number > 1 else ''} may be the same person", "/people/matches/")]
        if number
        else []
    )


@dataclass(frozen=True)
class Step:
    """Something to begin with; `area`: who may do it (cdp_site.roles)."""

    text: str
    done: bool
    where: str
    area: str


def first_steps() -> list[Step]:
    """What a new company does first; empty when all of it is done."""
    steps = [
        Step("Add a source", Source.objects.exists(), "/connectors/", "connectors"),
        Step("Send the first message", Batch.objects.exists(), "/connectors/", "connectors"),
        Step("Build a segment", Segment.objects.exists(), "/segments/new/", "segments"),
        Step("Let a channel follow it", Destination.objects.exists(), "/connectors/", "connectors"),
    ]
    return [] if all(step.done for step in steps) else steps


def progress() -> list[Progress]:
    return list(Progress.objects.under_way())
