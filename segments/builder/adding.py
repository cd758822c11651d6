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
)
from segments.builder.opening import part_of
from segments.rules import RuleError
from segments.text import TextError, parse

ANY = EventsDraft()
RECENT = WindowDraft("last", "30", "days")


@dataclass(frozen=True)
class Vocabulary:
    """What there is, to tell bare words by: names of events, traits, kinds of records and identifiers."""

    events: Collection[str] = ()
    traits: Collection[str] = ()
    records: Collection[str] = ()
    identifiers: Collection[str] = ()


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


def _negated(found: str | None) -> str:
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
    if _SIGNS.search(text):
        try:
            return Understood(part_of(parse(text)))
        except (TextError, RuleError) as error:
            return Understood(reason=str(error))
    if found := _HAS.fullmatch(text):
        return Understood(_has(found, known))
    for pattern, made in _COMPILED:
        if found := pattern.fullmatch(text):
            return Understood(_spelled(made(found), known))
    return Understood(_bare_words(text, known))


def _has(found: re.Match[str], known: Vocabulary) -> Condition:
    negated = _negated(found[1] if (found[1] or "").lower() == "no " else None)
    name = _bare(found[3])
    if not found[2] and name in known.identifiers or (not found[2] and name not in known.records and known.identifiers):
        alike = next((one for one in known.identifiers if one.replace("_", " ") == name.lower().replace("-", "")), name)
        return KnownDraft(negated, alike)
    state = (found[2] or "any").strip().lower()
    return RecordsDraft(negated, state=state, name=next((one for one in known.records if one == name.lower()), name))


def _bare_words(text: str, known: Vocabulary) -> Draft:
    for names, made in ((known.events, DidDraft), (known.traits, TraitDraft)):
        name = next((one for one in names if one.casefold() == text.casefold()), None)
        if name is not None:
            return DidDraft(events=EventsDraft(name)) if made is DidDraft else TraitDraft(name=name)
    try:
        return part_of(parse(text))
    except (TextError, RuleError):
        return DidDraft(events=EventsDraft(text))


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
