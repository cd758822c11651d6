"""What is typed into the field for a new condition, as a draft: the phrases that it suggests, or the rule language. Pure."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from segments.builder.drafts import (
    ChangedDraft,
    Condition,
    ConsentDraft,
    DidDraft,
    Draft,
    EventsDraft,
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
    events_of,
)
from segments.builder.opening import part_of
from segments.rules import RuleError
from segments.text import TextError, parse

ANY = EventsDraft()
RECENT = WindowDraft("last", "30", "days")


@dataclass(frozen=True)
class Vocabulary:
    """What there is, to tell names by: of events, traits, kinds of records and identifiers, segments."""

    events: Collection[str] = ()
    traits: Collection[str] = ()
    records: Collection[str] = ()
    identifiers: Collection[str] = ()
    segments: Collection[str] = ()


@dataclass(frozen=True)
class Understood:
    """`draft`, or why nothing could be made of the text."""

    draft: Draft | None = None
    reason: str = ""


def _events(text: str) -> EventsDraft:
    return EventsDraft(_bare(text))


def _bare(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in '"“”' else text.strip("“”")


# Tried in this order; a phrase begins with words that no language's name does.
_PHRASES: tuple[tuple[str, Callable[[re.Match[str]], Draft]], ...] = (
    (r"(all|any|none) of these", lambda found: GroupDraft(found[1].lower())),
    (r"(?:did )?(fewer|less|more) (.+?) than before",
     lambda found: ChangedDraft(direction="more" if found[1].lower() == "more" else "fewer", events=_events(found[2]))),
    (r"(first|last) time (?:of )?(.+)", lambda found: MomentDraft(which=found[1].lower(), events=_events(found[2]))),
    (r"(?:first |did )?(.+?) then(?: (.+))?", lambda found: SequenceDraft(steps=(_events(found[1]), _events(found[2] or "")))),
    (r"sum (?:of )?(?:(.+) )?over (.+)",
     lambda found: TotalDraft(property=_bare(found[1] or ""), events=_events(found[2]), window=RECENT)),
    (r"did not (.+)", lambda found: DidDraft("not", _events(found[1]))),
    (r"did (.+)", lambda found: DidDraft("", _events(found[1]))),
    (r"trait (.+)", lambda found: TraitDraft(name=_bare(found[1]))),
    (r"(not )?in segment (.+)", lambda found: SegmentDraft(_negated(found[1]), _bare(found[2]))),
    (r"score (.+)", lambda found: ScoreDraft(name=_bare(found[1]))),
    (r"(?:consent to|agreed to|agrees to) (.+)", lambda found: ConsentDraft(channel=_bare(found[1]))),
    (r"(?:is |are )?(not )?anonymous", lambda found: KnownDraft(_negated(found[1]), "anonymous")),
    (r"sample(?: of)?(?: ([\d.]+) ?%?)?", lambda found: SampleDraft(percent=found[1] or "10")),
    (r"top ([\d.]+) ?(%|people) by (.+)", lambda found: _top(found[1], found[2], found[3])),
    (r"top(?: ([\d.]+) ?(%|people)?)?", lambda found: _top(found[1] or "10", found[2] or "%", "")),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), made) for pattern, made in _PHRASES)
_HAS = re.compile(r"(?:has|have) (no |an? )?(open |closed )?(.+)", re.IGNORECASE)
# What shows that somebody writes the language and not a name.
_SIGNS = re.compile(r'[=<>()"]')


def _negated(found: object) -> str:
    return "not" if found else ""


def _top(number: str, unit: str, by: str) -> Condition:
    name = _bare(by)
    score = name.removeprefix("score ") if name.startswith("score ") else ""
    return TopDraft(
        number=number,
        unit="people" if unit == "people" else "percent",
        by="score" if score else "trait",
        name=score or name,
    )


def understand(text: str, known: Vocabulary = Vocabulary()) -> Understood:
    """The draft that a text asks for. Names may stand without quotes where a phrase has only one."""
    text = text.strip()
    phrase = _phrase(text, known)
    # A name may hold such signs itself: then it is one that has arrived.
    if phrase is not None and (not _SIGNS.search(text) or _is_known(phrase, known)):
        return Understood(phrase)
    if phrase is None and (named := _named(text, known)):
        return Understood(named)
    try:
        return Understood(part_of(parse(text)))
    except (TextError, RuleError) as error:
        if _SIGNS.search(text):
            return Understood(reason=str(error))
    return Understood(phrase or DidDraft(events=EventsDraft(text)))


def _phrase(text: str, known: Vocabulary) -> Draft | None:
    if found := _HAS.fullmatch(text):
        return _has(found, known)
    for pattern, made in _COMPILED:
        if found := pattern.fullmatch(text):
            return _spelled(made(found), known)
    return None


def _is_known(draft: Draft, known: Vocabulary) -> bool:
    if isinstance(draft, GroupDraft):
        return True
    names = [one.name for one in events_of(draft) if one.name]
    if isinstance(draft, TraitDraft | SegmentDraft):
        return draft.name in (known.traits if isinstance(draft, TraitDraft) else known.segments)
    return bool(names) and all(name in known.events for name in names)


def _has(found: re.Match[str], known: Vocabulary) -> Condition:
    """'has open ticket', 'has no e-mail': a kind of identifiers, else of records."""
    negated, name = _negated((found[1] or "").strip().lower() == "no"), _bare(found[3])
    plain = name.lower().replace("-", "").replace(" ", "_")
    identifier = next((one for one in known.identifiers if one == plain), None)
    if identifier and not found[2]:
        return KnownDraft(negated, identifier)
    kind = next((one for one in known.records if one.lower() == name.lower()), name)
    return RecordsDraft(negated, state=(found[2] or "any").strip().lower(), name=kind)


def _named(text: str, known: Vocabulary) -> Condition | None:
    """A bare name of an event or a trait that has arrived, however it is written."""
    for name in known.events:
        if name.casefold() == text.casefold():
            return DidDraft(events=EventsDraft(name))
    return next((TraitDraft(name=name) for name in known.traits if name.casefold() == text.casefold()), None)


def _spelled(draft: Draft, known: Vocabulary) -> Draft:
    """Event names as they have arrived, however they were typed: 'order completed' is 'Order Completed'."""
    names = {one.casefold(): one for one in known.events}

    def spelled(events: EventsDraft) -> EventsDraft:
        return replace(events, name=names.get(events.name.casefold(), events.name))

    if isinstance(draft, DidDraft | TotalDraft | MomentDraft | ChangedDraft):
        return replace(draft, events=spelled(draft.events))
    if isinstance(draft, SequenceDraft):
        return replace(draft, steps=tuple(map(spelled, draft.steps)))
    return draft
