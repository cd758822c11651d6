"""What the builder suggests, of what has really arrived: phrases to begin a condition with, names and values by control."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from segments import catalog
from segments.builder import Draft, RecordsDraft, Vocabulary, conditions, events_of
from segments.catalog import EventSeen, IdentifierSeen, RecordSeen, Seen
from segments.models import Segment

CHANNELS = ("email", "sms", "phone", "ads")
# Of these events also what asks for more than that they were done.
MOST_FREQUENT = 10


@dataclass(frozen=True)
class Phrase:
    """What may be typed, and what is said beside it."""

    text: str
    beside: str = ""


@dataclass(frozen=True)
class SegmentSeen:
    name: str
    size: int


@dataclass(frozen=True)
class Names:
    """The names of an event's properties or a record's fields, and of each its common values, as lists of the page."""

    list_id: str
    seen: Sequence[Seen]

    def values(self, name: str) -> str:
        """The id of the list of a property's values; '' without."""
        return next((self._list_of(one) for one in self.seen if one.name == name and one.values), "")

    def listed(self) -> list[tuple[str, Sequence[str]]]:
        return [(self._list_of(one), one.values) for one in self.seen if one.values]

    def _list_of(self, one: Seen) -> str:
        """By the name: the lists stay on the page while the rule on it is answered anew."""
        return f"{self.list_id}-{zlib.crc32(one.name.encode()):x}"


@dataclass(frozen=True)
class Suggestions:
    events: Sequence[EventSeen]
    traits: Names
    records: Sequence[RecordSeen]
    identifiers: Sequence[IdentifierSeen]
    segments: Sequence[SegmentSeen]
    channels: Sequence[str]
    scores: Sequence[str]
    properties: dict[str, Names]
    fields: dict[str, Names]

    def vocabulary(self) -> Vocabulary:
        return Vocabulary(
            [one.name for one in self.events],
            [one.name for one in self.traits.seen],
            [one.kind for one in self.records],
            [one.name for one in self.identifiers],
            [one.name for one in self.segments],
        )

    def phrases(self) -> list[Phrase]:
        """All that the field for a new condition offers: each is understood as it stands."""
        found = [Phrase(f"did {one.name}", _times(one.count)) for one in self.events]
        found += [Phrase(f"trait {one.name}", f"{_share(one.share)} have it") for one in self.traits.seen]
        found += [Phrase(f"in segment {one.name}", f"{one.size:,} people") for one in self.segments]
        found += [Phrase(f"not in segment {one.name}") for one in self.segments]
        for record in self.records:
            found.append(Phrase(f"has open {record.kind}", f"{record.open:,} open"))
            found.append(Phrase(f"has no open {record.kind}"))
            found.append(Phrase(f"has {record.kind}", f"{record.count:,}"))
        found += [Phrase(f"has {one.name}", one.label) for one in self.identifiers]
        found += [Phrase("is anonymous", "no identifier that makes somebody known")]
        found += [Phrase(f"consent to {one}") for one in self.channels]
        found += [Phrase(f"score {one}") for one in self.scores]
        found += [Phrase(f"did not {one.name}") for one in self.events]
        for event in self.events[:MOST_FREQUENT]:
            found.append(Phrase(f"less {event.name} than before", "a period against the one before"))
            found.append(Phrase(f"more {event.name} than before", "a period against the one before"))
            found.append(Phrase(f"{event.name} then", "one thing after another"))
            found.append(Phrase(f"sum over {event.name}", "a total of a property"))
            found.append(Phrase(f"first time {event.name}"))
            found.append(Phrase(f"last time {event.name}"))
        found += [Phrase("top 10 %", "by a trait, score or total"), Phrase("sample 10 %", "the same people each time")]
        return [*found, Phrase("any of these", "a group"), Phrase("none of these", "a group")]


def _times(count: int) -> str:
    return f"{count:,} times" if count else "not lately"


def _share(share: float) -> str:
    return f"{share * 100:.0f} %"


def suggestions(draft: Draft, leave_out: int | None = None) -> Suggestions:
    """For a draft: what there is, and the properties of what it names. Cost: some milliseconds for each event it names.

    `leave_out`: the segment that is being built can't ask for itself.
    """
    events, traits = catalog.events(), catalog.traits()
    seen = {one.name for one in events}
    parts = conditions(draft)
    named = sorted({one.name for part in parts for one in events_of(part)} & seen)
    records = catalog.records()
    kinds = sorted({one.name for one in parts if isinstance(one, RecordsDraft)} & {one.kind for one in records})
    others = Segment.objects.exclude(status=Segment.Status.ARCHIVED).exclude(pk=leave_out or 0)
    return Suggestions(
        events,
        Names("trait-values", traits),
        records,
        catalog.identifiers(),
        [SegmentSeen(*row) for row in others.values_list("name", "size")[: catalog.MOST_NAMES]],
        _with(CHANNELS, (one.name.removeprefix("consent_") for one in traits if one.name.startswith("consent_"))),
        [one.name.removeprefix("score_") for one in traits if one.name.startswith("score_")],
        {event: Names(f"of-{place}", catalog.properties(event)) for place, event in enumerate(named)},
        {kind: Names(f"in-{place}", catalog.fields(kind)) for place, kind in enumerate(kinds)},
    )


def _with(known: Iterable[str], more: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*known, *more]))
