"""Files that say who is in which arm: read, checked line by line, and told as messages. Pure; no database.

A CSV file with a head: a column with an identifier, one with the arm, perhaps one with the moment. Comma, semicolon or tab;
UTF-8, else Windows' Western European. Its messages are known by what they say, so a file sent twice counts once.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

from django.utils import timezone

from campaigns.experiments.said import CONTROL_NAMES, EVENT, MOST_KEY
from profiles import normalise

MOST_BYTES = 32 * 1024 * 1024
MOST_SHOWN = 20
# Addresses and numbers of so many lines are checked before they are sent; the others when they are resolved (50 µs each).
CHECKED = 20_000
SAMPLE = 1_000
GUESSED = 5_000  # lines among which the control is looked for
MOST_ARMS = 50
_AHEAD = timedelta(days=1)
# How columns are called, the likeliest first, by kind of identifier; the rest is matched by the kind's own name.
_CALLED = {
    "email": ("email", "e-mail", "mail", "email_address", "correo"),
    "user_id": ("user_id", "userid", "customer_id", "customer", "customerid", "id"),
    "phone": ("phone", "mobile", "telephone", "phone_number"),
    "loyalty_card": ("loyalty_card", "card", "card_number", "loyalty_card_number"),
    "anonymous_id": ("anonymous_id", "anonymousid", "cookie", "visitor_id"),
}
_ARMS = ("arm", "variation", "variant", "group", "segment", "test_group", "bucket", "variation_id", "variation_name")
_MOMENTS = ("since", "time", "timestamp", "date", "at", "assigned_at", "enrolled_at", "sent_at")


class Unreadable(Exception):
    """The file can't be read as a table, and why."""


@dataclass(frozen=True)
class Table:
    """A file cut into a head and what stands below it."""

    head: tuple[str, ...]
    text: str
    delimiter: str

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """The lines below the head that aren't empty, with their numbers in the file."""
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=self.delimiter)
        next(reader)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells


@dataclass(frozen=True)
class Chosen:
    """How a file is to be read: names of columns, the kind of identifier, and what the experiment is.

    `since`: the column with the moment; where it has none, or a line leaves it empty, `start` (ISO) is everybody's.
    """

    experiment: str = ""
    name: str = ""
    identifier: str = ""
    kind: str = "user_id"
    arm: str = ""
    since: str = ""
    start: str = ""
    control: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)

    @property
    def mark(self) -> str:
        """Another text where lines would be read otherwise."""
        said = self.identifier, self.kind, self.arm, self.since, self.start
        return blake2b("\0".join(said).encode(), digest_size=8).hexdigest()


class Enrolled(NamedTuple):
    """A line that says who is in which arm since when (UTC or any other zone)."""

    line: int
    identifier: str
    arm: str
    since: datetime


class Problem(NamedTuple):
    """A line that can't be taken, and why; it is left out."""

    line: int
    reason: str


@dataclass
class Summary:
    """What a file would do. `repeated`: lines that say once more what an earlier one said; `several`: identifiers in more
    than one arm. `sample`: the first identifiers, in their normal form."""

    taken: int = 0
    arms: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    left_out: int = 0
    repeated: int = 0
    several: int = 0
    first: list[Enrolled] = field(default_factory=list)
    sample: list[str] = field(default_factory=list)


def opened(body: bytes) -> Table:
    """The table in a file's bytes, or `Unreadable`. Cost: one decoding."""
    if len(body) > MOST_BYTES:
        raise Unreadable(
            f"The file has {len(body) / 2**20:,.0f} MB; {MOST_BYTES // 2**20} MB is the most. Cut it in parts."
        )
    wide = body.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in body[:4096] and not wide:
        raise Unreadable("This is no text. Save the table as CSV and choose that file.")
    try:
        text = body.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("cp1252", errors="replace")
    text = text.replace("\0", "")
    begins = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=begins.count)
    try:
        head = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error as error:
        raise Unreadable(f"The first line can't be read: {error}.") from None
    names = tuple(name.strip() for name in head)
    if len(names) < 2:
        raise Unreadable(
            "The first line names fewer than two columns. It needs one for the person and one for the arm."
        )
    if twice := next((name for place, name in enumerate(names) if name in names[:place]), None):
        raise Unreadable(f"The first line names “{twice[:60]}” twice: leave one of the two columns out.")
    if len(set(names)) < len(names):
        raise Unreadable("The first line leaves two columns without a name.")
    return Table(names, text, delimiter)


def guessed(table: Table, kinds: list[str]) -> Chosen:
    """How a file is likely meant, by how its columns are called."""
    kind, identifier = next(
        (
            (kind, column)
            for kind in sorted(kinds, key=lambda kind: list(_CALLED).index(kind) if kind in _CALLED else len(_CALLED))
            if (column := _column(table, _CALLED.get(kind, (kind,))))
        ),
        ("user_id", table.head[0]),
    )
    arm = _column(table, _ARMS) or next((name for name in table.head if name != identifier), "")
    chosen = Chosen(identifier=identifier, kind=kind, arm=arm, since=_column(table, _MOMENTS))
    names = {row.arm: None for row in islice(rows(table, chosen, ""), GUESSED) if isinstance(row, Enrolled)}
    control = next((name for name in names if _nothing(name)), "")
    return Chosen(**{**chosen.as_json(), "control": control})


def _nothing(arm: str) -> bool:
    """Whether an arm is called as if its people got nothing: control, holdout, 'No e-mail'."""
    called = arm.lower()
    return bool({called, *called.replace("-", " ").split()} & {*CONTROL_NAMES, "no", "none"})


def _column(table: Table, called: tuple[str, ...]) -> str:
    folded = {name.lower().replace(" ", "_"): name for name in table.head}
    return next((folded[name] for name in called if name in folded), "")


def rows(table: Table, chosen: Chosen, form: str, country: str = "ES") -> Iterator[Enrolled | Problem]:
    """Every line as what it says, or why it can't be taken. `form`: the identifiers' normal form ('' to leave them)."""
    places = {name: place for place, name in enumerate(table.head)}
    who, arm, since = places[chosen.identifier], places[chosen.arm], places.get(chosen.since)
    start = moment(chosen.start) if chosen.start else timezone.now()
    latest = timezone.now() + _AHEAD
    checked = 0
    try:
        for line, cells in table.lines():
            if len(cells) <= max(who, arm):
                yield Problem(line, f"has {len(cells)} of {len(table.head)} cells")
                continue
            identifier, name = cells[who].strip(), " ".join(cells[arm].split())[:MOST_KEY]
            if not identifier or not name:
                yield Problem(line, f"{chosen.arm if identifier else chosen.identifier} is empty")
                continue
            checked += 1
            if checked <= CHECKED and _normal(form, identifier, country) is None:
                yield Problem(line, f"{chosen.identifier}: {identifier[:60]!r} is no {chosen.kind.replace('_', ' ')}")
                continue
            try:
                said = cells[since].strip() if since is not None and since < len(cells) else ""
                at = moment(said) if said else start
            except ValueError:
                yield Problem(
                    line, f"{chosen.since}: {said[:60]!r} is no time; write 2026-01-31 or 2026-01-31T12:00:00Z"
                )
                continue
            if at > latest:
                yield Problem(line, f"{chosen.since or 'the moment'}: {at:%Y-%m-%d} is yet to come")
            else:
                yield Enrolled(line, identifier, name, at)
    except csv.Error as error:
        yield Problem(0, f"the file can't be read on: {error}")


def _normal(form: str, identifier: str, country: str) -> str | None:
    return normalise.in_form(form, identifier, country) if form else identifier


def moment(text: str) -> datetime:
    """ISO 8601; without a zone it is the company's. ValueError for anything else."""
    at = datetime.fromisoformat(text)
    at = timezone.make_aware(at) if at.tzinfo is None else at
    if at.year < 1971 or at.year > 9000:
        raise ValueError(text)
    return at


def summary(table: Table, chosen: Chosen, form: str, country: str = "ES") -> Summary:
    """What the file would do. Cost: one pass, some 4 µs a line; of the first 20,000 addresses 50 µs each."""
    found = Summary()
    arm_of: dict[str, str] = {}
    several: set[str] = set()
    for row in rows(table, chosen, form, country):
        if isinstance(row, Problem):
            found.left_out += 1
            if len(found.problems) < MOST_SHOWN:
                found.problems.append(row)
            continue
        found.repeated += arm_of.get(row.identifier) == row.arm
        if arm_of.setdefault(row.identifier, row.arm) != row.arm:
            several.add(row.identifier)
        found.taken += 1
        found.arms[row.arm] += 1
        if len(found.first) < 5:
            found.first.append(row)
        if len(found.sample) < SAMPLE:
            found.sample.append(_normal(form, row.identifier, country) or row.identifier)
    found.several = len(several)
    return found


def messages(table: Table, chosen: Chosen, form: str, country: str = "ES") -> Iterator[dict[str, Any]]:
    """An `Experiment Viewed` message for every line that can be taken."""
    for row in rows(table, chosen, form, country):
        if isinstance(row, Enrolled):
            yield _message(row, chosen)


def _message(row: Enrolled, chosen: Chosen) -> dict[str, Any]:
    since = row.since.isoformat()
    said = "\n".join((chosen.experiment, chosen.kind, row.identifier, row.arm, since))
    properties: dict[str, Any] = {
        "experiment_id": chosen.experiment, "experiment_name": chosen.name or chosen.experiment,
        "variation_id": row.arm, "variation_name": row.arm,
    }  # fmt: skip
    if row.arm == chosen.control:
        properties["control"] = True
    message = {
        "type": "track", "event": EVENT, "timestamp": since, "properties": properties,
        "messageId": f"experiment-file-{blake2b(said.encode(), digest_size=16).hexdigest()}",
    }  # fmt: skip
    return message | _who(chosen.kind, row.identifier)


def _who(kind: str, identifier: str) -> dict[str, Any]:
    match kind:
        case "user_id":
            return {"userId": identifier}
        case "anonymous_id":
            return {"anonymousId": identifier}
        case "email" | "phone" | "loyalty_card":
            return {"context": {"traits": {kind: identifier}}}
        case "device_id":
            return {"context": {"device": {"id": identifier}}}
    return {"context": {"externalIds": [{"type": kind, "id": identifier}]}}
