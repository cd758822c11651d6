"""Journeys put straight into their table, as the stage 'attribute' leaves them; and the little world they are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings

from campaigns.attribution import blocks
from campaigns.attribution.filters import Filters
from campaigns.attribution.values import Device, Touch
from campaigns.models import Campaign, Channel, Goal, JourneyBlock, Origin
from cdp_site import sql
from cdp_site.ids import new_ids

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR, DAY = 3_600, 86_400  # seconds
DIRECT, ADS, MAIL, STORE = 1, 5_001, 5_002, 5_003  # ids of channels
NAMES = {DIRECT: "Direct", ADS: "Our ads", MAIL: "Our mail", STORE: "Our store"}
SUMMER, WINTER = 6_001, 6_002  # ids of campaigns
# (channel, campaign) of each origin, by its number less FIRST.
FIRST = 50_000
ORIGINS = ((DIRECT, None), (ADS, SUMMER), (ADS, WINTER), (ADS, None), (MAIL, SUMMER), (STORE, None), (None, None))


@dataclass(frozen=True)
class Step:
    """A touch: place in ORIGINS, seconds before the journey's moment."""

    origin: int
    age: int = 0
    kind: Touch = Touch.CLICK


@dataclass(frozen=True)
class Row:
    """A journey; `value` in currency units. Its touches in order of time."""

    profile: int
    at: datetime
    steps: tuple[Step, ...] = ()
    converted: bool = True
    value: Decimal = Decimal(0)
    back: Decimal = Decimal(0)
    new: bool = False
    other_currency: bool = False
    device: Device = Device.UNKNOWN

    @property
    def day(self) -> date:
        return self.at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()


def world() -> Goal:
    """Channels, campaigns, origins, and a goal whose journeys are all there."""
    for id, name in NAMES.items():
        Channel.objects.update_or_create(id=id, defaults={"name": name, "paid": id == ADS})
    for id, name in ((SUMMER, "Summer"), (WINTER, "Winter")):
        Campaign.objects.update_or_create(id=id, defaults={"name": name, "channel_id": ADS})
    for number, (channel, campaign) in enumerate(ORIGINS):
        Origin.objects.update_or_create(
            id=FIRST + number, defaults={"key": -number - 1, "channel_id": channel, "campaign_id": campaign}
        )
    return Goal.objects.create(name="Test orders", event="Order Completed", cursor=None)


def store(goal: Goal, rows: Sequence[Row]) -> None:
    """Rows in the table, and their days marked."""
    ids = new_ids(len(rows))
    sql.copy_rows(
        "journey",
        ["profile_id", "goal_id", "id", "time", "day", "converted", "value", "back", "other_currency", "new", "device",
         "origins", "ages", "kinds", "events"],
        [
            (row.profile, goal.pk, id, row.at, row.day, row.converted, int(row.value * 1_000_000), int(row.back * 1_000_000),
             row.other_currency, row.new, int(row.device), [FIRST + step.origin for step in row.steps],
             [step.age for step in row.steps], [int(step.kind) for step in row.steps], list(range(len(row.steps))))
            for id, row in zip(ids, rows, strict=True)
        ],
    )  # fmt: skip
    mark(goal, {row.day for row in rows})


def mark(goal: Goal, days: set[date]) -> None:
    """As `attribute` does it for the days whose journeys it changed."""
    with sql.cursor() as cursor:
        cursor.execute(
            "INSERT INTO journey_block (goal_id, day, stale, version, journeys, body)"
            " SELECT %s, day, true, 0, 0, '' FROM unnest(%s::date[]) AS day"
            " ON CONFLICT (goal_id, day) DO UPDATE SET stale = true",
            (goal.pk, sorted(days)),
        )


def pack_all() -> int:
    """Let the stage work until nothing is stale; returns how many days it packed."""
    days = 0
    while batch := blocks.pack_some():
        days += batch
    return days


def stale() -> int:
    return JourneyBlock.objects.filter(stale=True).count()


def around(goal: Goal, days: int = 60, **more: object) -> Filters:
    """Filters that let everything of some days before and after NOON pass."""
    since, until = (NOON + timedelta(days=way * days) for way in (-1, 1))
    return Filters(goal.pk, since.date(), until.date(), **more)  # type: ignore[arg-type]
