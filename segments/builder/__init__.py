"""The form for a rule: drafts, what their controls and buttons do, and the rule that comes out."""

from segments.builder.acts import act
from segments.builder.adding import Understood, Vocabulary, understand
from segments.builder.checking import Checked, check
from segments.builder.drafts import (
    CONDITIONS,
    EMPTY,
    ChangedDraft,
    Condition,
    ConsentDraft,
    DidDraft,
    Draft,
    EventsDraft,
    FilterDraft,
    GroupDraft,
    KnownDraft,
    MomentDraft,
    RecordsDraft,
    SampleDraft,
    ScoreDraft,
    SegmentDraft,
    SequenceDraft,
    TopDraft,
    TotalDraft,
    TraitDraft,
    WindowDraft,
    conditions,
    events_of,
)
from segments.builder.form import MOST_UNDO, controls, dump, load, read, remember, undo
from segments.builder.opening import draft_of, part_of

__all__ = [
    "CONDITIONS", "EMPTY", "MOST_UNDO", "ChangedDraft", "Checked", "Condition", "ConsentDraft", "DidDraft", "Draft",
    "EventsDraft", "FilterDraft", "GroupDraft", "KnownDraft", "MomentDraft", "RecordsDraft", "SampleDraft", "ScoreDraft",
    "SegmentDraft", "SequenceDraft", "TopDraft", "TotalDraft", "TraitDraft", "Understood", "Vocabulary", "WindowDraft",
    "act", "check", "conditions", "controls", "draft_of", "dump", "events_of", "load", "part_of", "read", "remember",
    "understand", "undo",
]  # fmt: skip
