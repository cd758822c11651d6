"""A file of costs, read: any export with a day, an amount, and a channel or campaign in each line. No database here.

What can't be read is said line by line; the other lines stand. Columns are found by their names, whatever their order.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

# What each column may be called, folded (`_plain`).
COLUMNS = {
    "day": ("day", "date", "tag", "datum", "fecha", "reportingstarts"),
    "amount": ("cost", "costs", "amount", "spend", "amountspent", "spent", "kosten", "coste", "importe"),
    "channel": ("channel", "channelgroup", "defaultchannelgroup", "kanal", "canal"),
    "campaign": ("campaign", "campaignname", "utmcampaign", "kampagne", "campana"),
    "source": ("source", "network", "utmsource", "platform"),
    "ad": ("campaignid", "adid", "utmid"),
    "currency": ("currency", "currencycode", "waehrung", "moneda"),
    "impressions": ("impressions", "impr", "views"),
    "clicks": ("clicks", "linkclicks"),
}
NEEDED = ("day", "amount")
MOST_LINES = 50_000
MOST_ERRORS = 200
LARGEST = Decimal(10) ** 12


class Unreadable(ValueError):
    """The file as a whole can't be read; the message says why."""


@dataclass(frozen=True)
class Line:
    """One line of the file. Texts as they stand there; `number` is the line's, the head being 1."""

    number: int
    day: date
    amount: Decimal
    channel: str = ""
    campaign: str = ""
    source: str = ""
    ad: str = ""
    currency: str = ""
    impressions: int | None = None
    clicks: int | None = None


@dataclass(frozen=True)
class Wrong:
    number: int
    why: str


@dataclass(frozen=True)
class Read:
    lines: tuple[Line, ...]
    wrong: tuple[Wrong, ...]
    ignored: tuple[str, ...]  # columns that mean nothing to us


def read(text: str) -> Read:
    """Lines of a CSV text (comma, semicolon or tab). Cost: about 10 µs a line."""
    try:
        rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=_delimiter(text)))
    except csv.Error as why:
        raise Unreadable(f"It is no CSV: {why}.") from None
    while rows and not any(rows[0]):
        rows.pop(0)
    if not rows:
        raise Unreadable("There is nothing in it.")
    if len(rows) > MOST_LINES + 1:
        raise Unreadable(f"It has more than {MOST_LINES:,} lines: send it in parts.")
    places, ignored = _places(rows[0])
    comma = _comma_is_decimal(row[places["amount"]] for row in rows[1:] if len(row) > places["amount"])
    lines, wrong = [], []
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        try:
            lines.append(
                _line(number, {name: row[at].strip() if at < len(row) else "" for name, at in places.items()}, comma)
            )
        except ValueError as why:
            wrong.append(Wrong(number, str(why)))
    return Read(tuple(lines), tuple(wrong), tuple(ignored))


def _delimiter(text: str) -> str:
    head = next((line for line in text.lstrip("\ufeff").splitlines() if line.strip()), "")
    return max(",;\t", key=head.count)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", re.sub(r"\(.*?\)", "", name).lower())


def _places(head: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    known = {alias: name for name, aliases in COLUMNS.items() for alias in aliases}
    places: dict[str, int] = {}
    ignored = []
    for at, cell in enumerate(head):
        name, shown = known.get(_plain(cell)), "".join(filter(str.isprintable, cell)).strip()[:60]
        if name in places:
            first = head[places[name]].strip()
            if _plain(first) == _plain(cell):
                raise Unreadable(f"The first line names “{shown}” twice: leave one of the two columns out.")
            ignored.append(f"{shown} (“{first[:60]}” says it)")
        elif name is not None:
            places[name] = at
        elif shown:
            ignored.append(shown)
    if missing := [name for name in NEEDED if name not in places]:
        raise Unreadable(
            f"The first line must name the columns; there is none for the {' or the '.join(missing)} "
            f"(found: {', '.join(ignored) or 'nothing'})."
        )
    if not places.keys() & {"channel", "campaign", "ad"}:
        raise Unreadable("There must be a column for the channel, the campaign or its id.")
    return places, ignored


def _line(number: int, cells: dict[str, str], comma: bool) -> Line:
    if not (cells.get("channel") or cells.get("campaign") or cells.get("ad")):
        raise ValueError("neither a channel nor a campaign")
    currency = cells.get("currency", "").upper()
    if currency and not re.fullmatch("[A-Z]{3}", currency):
        raise ValueError(f"currency: “{currency[:20]}” is no code of three letters, such as EUR")
    return Line(
        number, _day(cells["day"]), _amount(cells["amount"], comma), cells.get("channel", "")[:200],
        cells.get("campaign", "")[:200], cells.get("source", "")[:200], cells.get("ad", "")[:200], currency,
        _count("impressions", cells), _count("clicks", cells),
    )  # fmt: skip


def _day(text: str) -> date:
    if found := re.fullmatch(r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ].*)?", text):
        year, month, day = map(int, found.groups())
    elif found := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):
        day, month, year = map(int, found.groups())
    elif found := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):
        first, second, year = map(int, found.groups())
        if first <= 12 and second <= 12 and first != second:
            raise ValueError(f"day: “{text}” can be read in two ways; write {year}-{second:02}-{first:02} or the other")
        day, month = (first, second) if first > 12 else (second, first)
    else:
        raise ValueError(f"day: “{text[:40]}” is no day; write 2026-03-31")
    try:
        answer = date(year, month, day)
    except ValueError:
        raise ValueError(f"day: there is no {text[:40]}") from None
    if not 2000 <= answer.year <= 2100:
        raise ValueError(f"day: {text[:40]} is too far away")
    return answer


def _comma_is_decimal(texts: Iterable[str]) -> bool:
    """Whether amounts are written 1.234,50: told by those in which only one reading is possible."""
    return any(re.search(r",\d{1,2}$|,\d{4,}$|\.\d{3},", re.sub(r"[^\d.,]", "", text)) for text in texts)


def _amount(text: str, comma: bool) -> Decimal:
    plain = re.sub(r"[\s\u00a0€$£']|[A-Z]{3}", "", text)
    plain = plain.replace(".", "").replace(",", ".") if comma else plain.replace(",", "")
    try:
        amount = Decimal(plain)
    except InvalidOperation:
        raise ValueError(f"amount: “{text[:40]}” is no number") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"amount: {text[:40]} can't be what something cost")
    if amount > LARGEST:
        raise ValueError("amount: that is too much")
    return amount.quantize(Decimal("0.000001"))


def _count(name: str, cells: dict[str, str]) -> int | None:
    text = re.sub(r"[\s.,']", "", cells.get(name, ""))
    if not text or text == "-":
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise ValueError(f"{name}: “{cells[name][:40]}” is no whole number")
    return int(text)


def parts(total: Decimal, days: int) -> Iterator[Decimal]:
    """A total over some days, to the cent: the parts add up to it, and differ by a cent at most."""
    cents = int((total * 100).to_integral_value())
    for place in range(days):
        yield Decimal(cents * (place + 1) // days - cents * place // days) / 100
