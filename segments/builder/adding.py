"""What is typed into the field for a new condition, as a draft: the phrases that it suggests, or the rule language. Pure."""

import json
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
_WORDS = re.compile(
    r"\b(in (the )?(last|next)|within|at least|at most|exactly|between|before|after|since|of people|is|are)\b|%",
    re.IGNORECASE,
)
_VERB = re.compile(r"did not |did ", re.IGNORECASE)
_IS = re.compile(r"(?:trait )?(?P<name>.+?) is (?P<not>not )?(?P<value>[^\s].*)", re.IGNORECASE)


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
    # A name may hold such signs and words itself: then it is one that has arrived.
    if phrase is not None and not _SIGNS.search(text) and (_names_nothing(phrase) or not _WORDS.search(text)):
        return Understood(phrase)
    if phrase is None and (named := _named(text, known)):
        return Understood(named)
    if phrase is not None and _is_known(phrase, known):
        return Understood(phrase)
    try:
        return Understood(part_of(parse(_quoted(text, known))))
    except (TextError, RuleError) as error:
        if plain := _is_value(text, known):
            return Understood(plain)
        # Nothing of that name has arrived, and what stands in it means something: it would be a name by mistake.
        if _SIGNS.search(text) or _WORDS.search(text):
            return Understood(reason=str(error))
    return Understood(phrase or DidDraft(events=EventsDraft(text)))


def _names_nothing(phrase: Draft) -> bool:
    """Whether a phrase has no name in it that could have swallowed the rest of a sentence."""
    return isinstance(phrase, GroupDraft | KnownDraft | ConsentDraft | SampleDraft | TopDraft)


def _quoted(text: str, known: Vocabulary) -> str:
    """'did Order Completed at least 3 times' with the event's name, as it has arrived, in quotes."""
    verb = _VERB.match(text)
    begin, rest = (verb[0], text[verb.end() :]) if verb else ("did ", text)
    folded = rest.casefold()
    found = [name for name in known.events if folded.startswith(f"{name.casefold()} ")]
    if not found:
        return text
    name = max(found, key=len)
    return f"{begin}{json.dumps(name, ensure_ascii=False)}{rest[len(name) :]}"


def _is_value(text: str, known: Vocabulary) -> Condition | None:
    """'country is ES': a trait that has arrived, and a text without quotes."""
    found = _IS.fullmatch(text)
    names = {one.casefold(): one for one in known.traits}
    if not found or found["name"].casefold() not in names or _WORDS.search(found["value"]):
        return None
    return TraitDraft(name=names[found["name"].casefold()], op="is_not" if found["not"] else "is", value=found["value"])


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
