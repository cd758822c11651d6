"""Drafts: a rule as somebody is still writing it, every control's text as typed, right or wrong. Plain values.

A draft is a group or a condition. Its nodes have paths, 'r' the root, 'r.0' its first condition; a control is named by
its node and by the field that it holds, with dots into parts and numbers into lists: 'r.0:events.where1.value'.
"""

from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias


@dataclass(frozen=True)
class FilterDraft:
    property: str = ""
    op: str = "is"
    value: str = ""


@dataclass(frozen=True)
class EventsDraft:
    """`timed` 'yes': only at hours of the week. `days` are names of days with spaces between, none of them for all."""

    name: str = ""
    where: tuple[FilterDraft, ...] = ()
    timed: str = ""
    days: str = ""
    start: str = ""
    end: str = ""


@dataclass(frozen=True)
class WindowDraft:
    """`kind`: ever, last, between, first (after `anchor`) or since (the last `anchor`)."""

    kind: str = "ever"
    number: str = "30"
    unit: str = "days"
    start: str = ""
    end: str = ""
    anchor: EventsDraft = EventsDraft()


EVER = WindowDraft()


@dataclass(frozen=True)
class DidDraft:
    """`negated` 'not': did not, whatever is counted."""

    kind: ClassVar[str] = "did"
    negated: str = ""
    events: EventsDraft = EventsDraft()
    compare: str = "at_least"
    times: str = "1"
    window: WindowDraft = EVER


@dataclass(frozen=True)
class TotalDraft:
    kind: ClassVar[str] = "total"
    negated: str = ""
    aggregate: str = "sum"
    property: str = ""
    events: EventsDraft = EventsDraft()
    window: WindowDraft = EVER
    compare: str = "more"
    number: str = ""


@dataclass(frozen=True)
class MomentDraft:
    """`until`: the end of what `op` 'between' begins with `value`."""

    kind: ClassVar[str] = "moment"
    negated: str = ""
    which: str = "first"
    events: EventsDraft = EventsDraft()
    op: str = "in_last_days"
    value: str = "30"
    until: str = ""


@dataclass(frozen=True)
class ChangedDraft:
    """`by` 'sum': of a property's values, else of events. `percent` '': any difference."""

    kind: ClassVar[str] = "changed"
    negated: str = ""
    direction: str = "fewer"
    events: EventsDraft = EventsDraft()
    by: str = "count"
    property: str = ""
    number: str = "90"
    unit: str = "days"
    percent: str = ""


@dataclass(frozen=True)
class SequenceDraft:
    """`without`: none or one. `last` '': whenever it was."""

    kind: ClassVar[str] = "sequence"
    negated: str = ""
    steps: tuple[EventsDraft, ...] = (EventsDraft(), EventsDraft())
    number: str = "7"
    unit: str = "days"
    without: tuple[EventsDraft, ...] = ()
    last: str = ""
    last_unit: str = "days"


@dataclass(frozen=True)
class TraitDraft:
    kind: ClassVar[str] = "trait"
    negated: str = ""
    name: str = ""
    op: str = "is"
    value: str = ""


@dataclass(frozen=True)
class KnownDraft:
    kind: ClassVar[str] = "known"
    negated: str = ""
    name: str = ""


@dataclass(frozen=True)
class ConsentDraft:
    kind: ClassVar[str] = "consent"
    negated: str = ""
    channel: str = ""
    state: str = "given"


@dataclass(frozen=True)
class ScoreDraft:
    kind: ClassVar[str] = "score"
    negated: str = ""
    name: str = ""
    op: str = "greater"
    value: str = "0.5"


@dataclass(frozen=True)
class RecordsDraft:
    kind: ClassVar[str] = "records"
    negated: str = ""
    compare: str = "at_least"
    times: str = "1"
    state: str = "open"
    name: str = ""
    where: tuple[FilterDraft, ...] = ()


@dataclass(frozen=True)
class SegmentDraft:
    kind: ClassVar[str] = "segment"
    negated: str = ""
    name: str = ""


@dataclass(frozen=True)
class SampleDraft:
    kind: ClassVar[str] = "sample"
    negated: str = ""
    percent: str = "10"
    salt: str = ""


@dataclass(frozen=True)
class TopDraft:
    """`by`: trait, score (then `name`), or what is counted of `events`; `property` has its values."""

    kind: ClassVar[str] = "top"
    negated: str = ""
    number: str = "10"
    unit: str = "percent"
    by: str = "trait"
    name: str = ""
    property: str = ""
    events: EventsDraft = EventsDraft()
    window: WindowDraft = EVER


Condition: TypeAlias = (
    DidDraft | TotalDraft | MomentDraft | ChangedDraft | SequenceDraft | TraitDraft | KnownDraft | ConsentDraft
    | ScoreDraft | RecordsDraft | SegmentDraft | SampleDraft | TopDraft
)  # fmt: skip
CONDITIONS: dict[str, type[Condition]] = {
    one.kind: one
    for one in (
        DidDraft, TotalDraft, MomentDraft, ChangedDraft, SequenceDraft, TraitDraft, KnownDraft, ConsentDraft, ScoreDraft,
        RecordsDraft, SegmentDraft, SampleDraft, TopDraft,
    )
}  # fmt: skip


@dataclass(frozen=True)
class GroupDraft:
    """`how`: all, any or none of `items`. `add`: what its field for a new condition says and nobody has understood yet."""

    kind: ClassVar[str] = "group"
    how: str = "all"
    items: tuple["Draft", ...] = ()
    add: str = field(default="", compare=False)


Draft: TypeAlias = GroupDraft | Condition
EMPTY = GroupDraft()


def conditions(draft: Draft) -> list[Condition]:
    """All conditions in a draft, groups opened."""
    if isinstance(draft, GroupDraft):
        return [inner for item in draft.items for inner in conditions(item)]
    return [draft]


def events_of(condition: Condition) -> list[EventsDraft]:
    """All events that a condition names, those of windows' anchors too."""
    match condition:
        case DidDraft(events=events, window=window) | TotalDraft(events=events, window=window):
            return [events, window.anchor]
        case TopDraft(events=events, window=window):
            return [events, window.anchor]
        case MomentDraft(events=events) | ChangedDraft(events=events):
            return [events]
        case SequenceDraft(steps=steps, without=without):
            return [*steps, *without]
        case _:
            return []
