"""Segments as a text file and back: for review, version control and moving between installations.

    // Kept by the shop's team.
    # Buyers of shoes (live)
    ## Bought shoes this quarter; kept for the spring campaign.
    did "Order Completed" where category = "shoes" in last 90 days

A line with one # names a segment and says whether it is live, draft or archived; lines with ## describe it; what follows
until the next # is its rule, on as many lines as it takes. Lines that begin with // are comments: they are read over, and
an export has none. An export is ordered by name, so that two of them differ where segments do.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from segments import changes
from segments.models import Segment
from segments.rules import Rule, RuleError, from_json, segments_in
from segments.text import WIDE, TextError, parse, to_text

MAX_NAME = 120
# A name that would not come back as it is stands in quotes, as in JSON.
_HEAD = re.compile(r'# (?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<name>\S.*)) \((?P<status>live|draft|archived)\)')
_PLAIN = re.compile(r'[^\s"](?:[^\x00-\x1f]*\S)?')


class LineError(ValueError):
    """What is wrong with a file, and where."""

    def __init__(self, line: int, reason: str, column: int | None = None) -> None:
        super().__init__(f"line {line}{f', column {column}' if column else ''}: {reason}")
        self.line = line
        self.column = column


class Unwritable(ValueError):
    """A segment whose rule can't be read any more."""

    def __init__(self, name: str, why: RuleError) -> None:
        super().__init__(f"The rule of “{name}” can't be read ({why}); mend it in the builder, or delete the segment.")


@dataclass(frozen=True)
class Written:
    """A segment as it stands in a file."""

    name: str
    status: str
    description: str
    rule: str


@dataclass(frozen=True)
class Outcome:
    """What an import did to a segment. `parts`: what was changed of rule, description and status."""

    name: str
    parts: tuple[str, ...]
    made: bool = False


@dataclass(frozen=True)
class Report:
    """What an import did, in the order of the file."""

    segments: tuple[Outcome, ...]

    @property
    def made(self) -> int:
        return sum(one.made for one in self.segments)

    @property
    def changed(self) -> int:
        return sum(bool(one.parts) and not one.made for one in self.segments)

    @property
    def same(self) -> int:
        return sum(not one.parts for one in self.segments)


@dataclass
class _Block:
    """A segment in a file. `lines` are those after its first, with nothing in them that isn't its rule."""

    line: int
    name: str
    status: str
    description: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def listed() -> list[Written]:
    """All segments, by name. Raises `Unwritable`."""
    return [
        Written(one.name, one.status, _tidy(one.description), to_text(_rule(one), wide=WIDE))
        for one in sorted(Segment.objects.all(), key=lambda one: one.name)
    ]


def written() -> str:
    """All segments as one text. Raises `Unwritable`."""
    blocks = []
    for one in listed():
        name = one.name if _PLAIN.fullmatch(one.name) else json.dumps(one.name)
        about = "".join(
            f"## {line}".rstrip() + "\n" for line in (one.description.split("\n") if one.description else ())
        )
        blocks.append(f"# {name} ({one.status})\n{about}{one.rule}\n")
    return "\n".join(blocks)


def take(text: str) -> Report:
    """Make or change segments as a text says, found by name; others stay as they are. Call it in a transaction.

    Raises `LineError`: nothing is written before the whole text has been read.
    """
    blocks = list(_blocks(text))
    rules = {block.name: _read(block) for block in blocks}
    known = {one.name: one for one in Segment.objects.all()}
    _check_names(blocks, known)
    ordered = _ordered(blocks, rules, known)
    outcomes = {}
    for block in ordered:
        with _blamed(block):
            outcomes[block.name] = _apply(block, rules[block.name], known)
    # Nothing is archived while others ask for it: last, and those that ask first.
    for block in reversed(ordered):
        if block.status == Segment.Status.ARCHIVED:
            with _blamed(block):
                changes.archive(known[block.name])
    return Report(tuple(outcomes[block.name] for block in blocks))


def _check_names(blocks: list[_Block], known: Mapping[str, Segment]) -> None:
    """New names are such as the builder takes: it knows them whatever their case, so what differs in it alone would be two
    segments here and one there."""
    folded = {name.casefold(): name for name in known}
    for block in blocks:
        twin = folded.get(block.name.casefold())
        if block.name in known:
            continue
        if reason := changes.why_no_name(block.name):
            raise LineError(block.line, reason)
        if twin is not None:
            raise LineError(
                block.line, f"there is a segment {json.dumps(twin, ensure_ascii=False)}: write its name like that"
            )


@contextmanager
def _blamed(block: _Block) -> Iterator[None]:
    """What a segment of the file can't be has its line."""
    try:
        yield
    except RuleError as error:
        raise LineError(block.line, f"{_rule_of(block)}: {error}") from None
    except changes.StillAsked as error:
        raise LineError(block.line, str(error)) from None


def _apply(block: _Block, rule: Rule, known: dict[str, Segment]) -> Outcome:
    """Make or change a segment, but don't archive it."""
    description = "\n".join(block.description)
    before = known.get(block.name)
    if before is None:
        known[block.name] = changes.create(block.name, rule, description=description, live=block.status == "live")
        return Outcome(block.name, ("rule",), made=True)
    parts = []
    if changes.save_rule(before, rule):
        parts.append("rule")
    if _tidy(before.description) != description:
        before.description = description
        before.save(update_fields=["description", "updated_at"])
        parts.append("description")
    if before.status != block.status:
        parts.append("status")
        if block.status != Segment.Status.ARCHIVED:
            changes.set_status(before, Segment.Status(block.status))
    return Outcome(block.name, tuple(parts))


def _rule(segment: Segment) -> Rule:
    """The rule that is live, or will be when everybody has been evaluated by it; not a draft beside it."""
    try:
        return from_json(segment.coming or segment.rule)
    except RuleError as error:
        raise Unwritable(segment.name, error) from None


def _tidy(description: str) -> str:
    """A description as a file keeps it: without the spaces round its lines and the empty ones round it."""
    return "\n".join(line.strip() for line in description.strip().splitlines())


def _blocks(text: str) -> Iterator[_Block]:
    """The segments of a file, each name once."""
    found: dict[str, _Block] = {}
    folded: dict[str, _Block] = {}
    block: _Block | None = None
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if line.startswith("# "):
            block = _head(number, line.rstrip())
            if before := folded.get(block.name.casefold()):
                raise LineError(number, f"{json.dumps(block.name)} was in line {before.line} already; keep one")
            found[block.name] = folded[block.name.casefold()] = block
        elif block is None:
            if line.strip() and not line.lstrip().startswith("//"):
                raise LineError(number, "a line '# NAME (live)' must come first")
        elif line.startswith("##"):
            block.description.append(_about(number, line.removeprefix("##").strip()))
            if sum(map(len, block.description)) + len(block.description) > changes.MAX_DESCRIPTION + 1:
                raise LineError(number, f"a description has at most {changes.MAX_DESCRIPTION:,} characters")
            block.lines.append("")
        else:
            block.lines.append("" if line.lstrip().startswith("//") else line)
    yield from found.values()


def _about(number: int, line: str) -> str:
    if any(one == "\0" or "\ud800" <= one <= "\udfff" for one in line):
        raise LineError(number, "holds a character that can't be stored")
    return line


def _head(number: int, line: str) -> _Block:
    head = _HEAD.fullmatch(line)
    if not head:
        raise LineError(number, "must be '# NAME (live)', (draft) or (archived)")
    try:
        name = str(json.loads(head["quoted"])) if head["quoted"] else head["name"]
    except ValueError:
        raise LineError(number, "the name isn't quoted as in JSON") from None
    if not 0 < len(name) <= MAX_NAME:
        raise LineError(number, f"a name has 1 to {MAX_NAME} characters")
    return _Block(number, name, head["status"])


def _read(block: _Block) -> Rule:
    """The rule of a block; a mistake has its line and column in the file."""
    where = _rule_of(block)
    try:
        return parse("\n".join(block.lines))
    except TextError as error:
        raise LineError(block.line + error.line, f"{where}: {error.reason}", error.column) from None
    except RuleError as error:
        raise LineError(block.line, f"{where}: {error}") from None


def _rule_of(block: _Block) -> str:
    return f"the rule of {json.dumps(block.name, ensure_ascii=False)}"


def _ordered(blocks: list[_Block], rules: Mapping[str, Rule], known: Mapping[str, Segment]) -> list[_Block]:
    """The blocks, each after those that its rule asks for; as if the file were all applied, nothing may go round."""
    in_file = {block.name: block for block in blocks}
    asks: dict[str, list[str]] = {}
    waiting = [(block.name, block) for block in reversed(blocks)]
    while waiting:
        name, asked_by = waiting.pop()
        if name in asks:
            continue
        if name not in in_file and name not in known:
            raise _unknown(name, asked_by, [*in_file, *known])
        asks[name] = sorted(segments_in(rules[name] if name in rules else _rule(known[name])))
        waiting += [(other, in_file.get(name, asked_by)) for other in asks[name]]
    try:
        order = list(TopologicalSorter(asks).static_order())
    except CycleError as error:
        # What is asked for comes first in it.
        way = list(reversed(error.args[1]))
        line = next((in_file[name].line for name in way if name in in_file), 1)
        raise LineError(line, f"segments ask for each other: {' → '.join(way)}") from None
    return [in_file[name] for name in order if name in in_file]


def _unknown(name: str, asked_by: _Block, names: list[str]) -> LineError:
    quoted = json.dumps(name, ensure_ascii=False)
    near = get_close_matches(name, names, n=1)
    meant = f"; did you mean {json.dumps(near[0], ensure_ascii=False)}?" if near else ""
    at = next(
        (number for number, line in enumerate(asked_by.lines, asked_by.line + 1) if quoted in line), asked_by.line
    )
    return LineError(
        at, f"{_rule_of(asked_by)} asks for the segment {quoted}, which is neither here nor in the file{meant}"
    )
