"""Who a person is, at a glance: value, what needs attention, identifiers, traits with their provenance, consents.

Each part is one statement for one person. What is counted is counted over the latest `MOST_EVENTS` events, so that a
robot with a million of them is answered as quickly as anybody.
"""

import itertools
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

from django.conf import settings
from django.utils import timezone

from cdp_site import sql
from profiles import disputes, whose
from profiles.identifiers import EMAIL, PHONE
from profiles.identity import load_kinds
from profiles.models import Profile
from profiles.provenance import TraitLine, trait_lines
from profiles.whose import Astray

MOST_EVENTS = 20_000
MONTHS = 12
CHANNELS = (("email", "E-mail"), ("sms", "SMS"), ("phone", "Phone"), ("ads", "Ads"))


@dataclass(frozen=True)
class Known:
    """An identifier: what kind, where from, since when."""

    kind: str
    label: str
    value: str
    source_id: int | None
    first_seen: datetime
    shared: bool
    disputed: bool


@dataclass(frozen=True)
class RecordLine:
    kind: str
    external_id: str
    status: str
    title: str
    value: Decimal | None
    currency: str
    opened_at: datetime
    closed_at: datetime | None
    source_id: int

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def days_open(self) -> int:
        return ((self.closed_at or timezone.now()) - self.opened_at).days


@dataclass(frozen=True)
class Value:
    """Money: `spent` is orders less refunds, without cancelled orders, in the currency of most orders.

    `also` is what was spent in other currencies; `orders` and `refunds` are counted over all of them. `months` are the
    last twelve, oldest first, as (label, spent).
    """

    spent: Decimal
    orders: int
    refunds: int
    currency: str
    months: tuple[tuple[str, Decimal], ...]
    last_order: datetime | None
    orders_in_currency: int
    also: tuple[tuple[str, Decimal], ...] = ()

    @property
    def month_values(self) -> list[float]:
        return [float(value) for _, value in self.months]

    @property
    def month_labels(self) -> list[str]:
        return [f"{label}: {value:,.0f} {self.currency}" for label, value in self.months]

    @property
    def average(self) -> Decimal | None:
        return self.spent / self.orders_in_currency if self.orders_in_currency else None


@dataclass(frozen=True)
class Rhythm:
    """How often somebody is active: days since the last time, and the usual number of days between two."""

    days_since: int
    usual: int | None

    @property
    def slipping(self) -> bool:
        return self.usual is not None and self.days_since > max(1.8 * self.usual, 14)


@dataclass(frozen=True)
class Summary:
    profile: Profile
    sentence: str
    value: Value
    rhythm: Rhythm | None
    tickets: list[RecordLine]
    orders: list[RecordLine]
    others: list[RecordLine]
    consents: list[tuple[str, bool | None]]
    identifiers: list[tuple[str, list[Known]]]
    # (kind, value) of what this person's account and others' claim at the same time: it leads to none of them.
    disputed: list[tuple[str, str]]
    # What stands in the head and isn't simply this person's, by the kind of identifier.
    astray: dict[int, Astray]
    traits: list[TraitLine]
    events: int
    more_events: bool

    @property
    def email(self) -> Astray | None:
        return self.astray.get(EMAIL)

    @property
    def phone(self) -> Astray | None:
        return self.astray.get(PHONE)

    @property
    def no_longer(self) -> list[Astray]:
        """Of what stands in the head, what isn't among the identifiers nor among the disputed ones of the accounts."""
        shown = {value for _, value in self.disputed} | {one.value for _, some in self.identifiers for one in some}
        return [one for one in self.astray.values() if one.value not in shown]

    @property
    def title(self) -> str:
        """How the person is headed: by an e-mail or phone only where that is theirs."""
        own = [(self.profile.email, self.email), (self.profile.phone, self.phone)]
        named = next((value for value, astray in own if value and astray is None), "")
        if self.profile.name or named or self.is_nobody:
            return self.profile.name or named or str(self.profile)
        return f"Visitor {str(self.profile.pk)[-6:]}"

    @property
    def is_nobody(self) -> bool:
        """Whether all by which this page is found is shared or disputed."""
        known = [one for _, some in self.identifiers for one in some]
        return bool(known) and all(one.shared or one.disputed for one in known)

    @property
    def is_disputed(self) -> bool:
        return any(one.disputed for _, some in self.identifiers for one in some)

    @property
    def open_tickets(self) -> list[RecordLine]:
        return [one for one in self.tickets if one.is_open]


def summarise(profile: Profile) -> Summary:
    """Everything about one person but the timeline. Cost: some statements, each a range of an index."""
    records = _records(profile.pk)
    tickets = [one for one in records if one.kind == "ticket"]
    value, rhythm, events = _history(profile.pk, _usual_currency(records))
    return Summary(
        profile=profile,
        sentence=_sentence(profile, value, rhythm, tickets),
        value=value,
        rhythm=rhythm,
        tickets=tickets,
        orders=[one for one in records if one.kind == "order"],
        others=[one for one in records if one.kind not in ("ticket", "order")],
        consents=[(label, profile.traits.get(f"consent_{channel}")) for channel, label in CHANNELS],
        identifiers=_identifiers(profile.pk),
        disputed=_disputed(profile.pk),
        astray=whose.astray([(profile.pk, profile.email, profile.phone)]).get(profile.pk, {}),
        traits=trait_lines(profile.pk),
        events=min(events, MOST_EVENTS),
        more_events=events >= MOST_EVENTS,
    )


_HISTORY = """
WITH of_money AS (
    SELECT id, name FROM event_name
    WHERE type = 'track' AND name IN ('Order Completed', 'Order Refunded', 'Order Cancelled')
), latest AS (
    SELECT id, time, name_id, source_id, value,
           CASE WHEN name_id IN (SELECT id FROM of_money) THEN properties END AS properties
    FROM event WHERE profile_id = %(id)s ORDER BY time DESC LIMIT %(most)s
), active AS (
    -- What is done by coming: mail that arrives and tickets are no visit.
    SELECT id, name FROM event_name
    WHERE split_part(name, ' ', 1) NOT IN ('Email', 'SMS', 'Push', 'Unsubscribed', 'Ticket', 'Call', 'Chat', 'Record')
), money AS (
    SELECT latest.time, of_money.name,
           CASE of_money.name WHEN 'Order Completed' THEN latest.value ELSE -abs(latest.value) END AS value,
           -- A refund or a cancellation need not repeat the order's currency.
           max(CASE WHEN properties ->> 'currency' ~ '^[A-Za-z]{3}$' THEN upper(properties ->> 'currency') END)
               OVER one_order AS currency,
           bool_or(of_money.name = 'Order Cancelled') OVER one_order AS cancelled
    FROM latest JOIN of_money ON of_money.id = latest.name_id
    WINDOW one_order AS (
        PARTITION BY source_id, coalesce(properties ->> 'order_id', properties ->> 'orderId', 'none: ' || latest.id)
    )
)
SELECT 'day', (time AT TIME ZONE %(zone)s)::date, min(active.name), count(*), NULL::numeric, max(time), NULL
FROM latest LEFT JOIN active ON active.id = latest.name_id GROUP BY 2
UNION ALL
SELECT 'money', date_trunc('month', time AT TIME ZONE %(zone)s)::date, name, count(*), sum(value), max(time), currency
FROM money WHERE NOT cancelled GROUP BY 2, 3, 7
"""


def _history(profile_id: int, usual: str) -> tuple[Value, Rhythm | None, int]:
    """`usual` is the currency of orders that don't say theirs."""
    today = timezone.localdate()
    rows = sql.rows(_HISTORY, {"id": profile_id, "most": MOST_EVENTS, "zone": settings.TIME_ZONE})
    days = sorted(row[1] for row in rows if row[0] == "day" and row[2] is not None)
    events = sum(row[3] for row in rows if row[0] == "day")
    return _value([row[1:] for row in rows if row[0] == "money"], usual, today), _rhythm(days, today), events


def _value(rows: list[tuple[Any, ...]], usual: str, today: date) -> Value:
    spent: dict[str, Decimal] = {}
    orders: Counter[str] = Counter()
    months: dict[tuple[str, date], Decimal] = {}
    refunds, last = 0, None
    for month, name, number, value, at, said in rows:
        currency, amount = said or usual, value or Decimal(0)
        spent[currency] = spent.get(currency, Decimal(0)) + amount
        months[currency, month] = months.get((currency, month), Decimal(0)) + amount
        if name == "Order Completed":
            orders[currency] += number
            last = max(last or at, at)
        else:
            refunds += number
    main = max(spent, key=lambda one: (orders[one], spent[one], one), default=usual)
    also = tuple((one, amount) for one, amount in sorted(spent.items()) if one != main and amount)
    shown = tuple((f"{month:%b %Y}", months.get((main, month), Decimal(0))) for month in _last_months(today))
    return Value(
        spent.get(main, Decimal(0)), orders.total(), refunds, main, shown, last, orders[main], also,
    )  # fmt: skip


def _last_months(today: date) -> list[date]:
    number = today.year * 12 + today.month - 1
    return [date(one // 12, one % 12 + 1, 1) for one in range(number - MONTHS + 1, number + 1)]


def _rhythm(days: list[date], today: date) -> Rhythm | None:
    if not days:
        return None
    gaps = [(later - earlier).days for earlier, later in itertools.pairwise(days)]
    return Rhythm(max((today - days[-1]).days, 0), round(median(gaps[-20:])) if len(gaps) >= 3 else None)


_RECORDS = """
SELECT kind, external_id, status, title, value, currency, opened_at, closed_at, source_id FROM record
WHERE profile_id = %s ORDER BY closed_at IS NOT NULL, opened_at DESC LIMIT 500
"""


def _records(profile_id: int) -> list[RecordLine]:
    return [RecordLine(*row) for row in sql.rows(_RECORDS, (profile_id,))]


def _usual_currency(records: list[RecordLine]) -> str:
    """The currency of most of the person's orders, where they say one."""
    said = Counter(one.currency for one in records if one.kind == "order" and one.currency)
    return said.most_common(1)[0][0] if said else settings.CURRENCY


def _identifiers(profile_id: int) -> list[tuple[str, list[Known]]]:
    rows = sql.rows(
        "SELECT kind_id, value, source_id, first_seen, shared, disputed FROM identifier WHERE profile_id = %s"
        " AND kind_id <> 8 ORDER BY kind_id, first_seen LIMIT 300",
        (profile_id,),
    )
    kinds = {
        id: (name, label)
        for id, name, label in sql.rows("SELECT id, name, label FROM identifier_kind ORDER BY priority")
    }
    grouped: dict[str, list[Known]] = {}
    for kind, value, source_id, first_seen, shared, disputed in rows:
        name, label = kinds[kind]
        grouped.setdefault(label, []).append(Known(name, label, value, source_id, first_seen, shared, disputed))
    return list(grouped.items())


def _disputed(profile_id: int) -> list[tuple[str, str]]:
    found = disputes.claimed_by(profile_id, load_kinds())
    labels = dict(sql.rows("SELECT id, label FROM identifier_kind")) if found else {}
    return [(labels[kind], value) for kind, value in found]


def _sentence(profile: Profile, value: Value, rhythm: Rhythm | None, tickets: list[RecordLine]) -> str:
    """One line that a colleague would say. Only what the evidence says."""
    parts = []
    if value.orders:
        times = "once" if value.orders == 1 else f"{value.orders} times"
        parts.append(f"bought {times}")
    elif profile.identified:
        parts.append("hasn't bought yet")
    else:
        parts.append("anonymous visitor")
    if rhythm:
        usual = f" (usually every {rhythm.usual})" if rhythm.usual else ""
        if rhythm.slipping:
            parts.insert(0, "slipping away")
            parts.append(f"no visit for {rhythm.days_since} days{usual}")
        elif rhythm.days_since == 0:
            parts.append("here today")
        elif rhythm.days_since > 1:
            parts.append(f"last here {rhythm.days_since} days ago{usual}")
        else:
            parts.append("here yesterday")
    waiting = sum(one.is_open for one in tickets)
    if waiting:
        parts.append("one open ticket" if waiting == 1 else f"{waiting} open tickets")
    if profile.first_seen < timezone.now() - timedelta(days=365) and value.orders >= 10:
        parts.insert(0, "loyal customer")
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]
