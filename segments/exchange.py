"""Segments as a text file and back: for review, version control and moving between installations.

    # Buyers of shoes (live)
    ## Bought shoes this quarter; kept for the spring campaign.
    did "Order Completed" where category is "shoes" at least 1 time in 90 days

A line with one # names a segment and says whether it is live, draft or archived; lines with ## describe it; what follows
until the next # is its rule.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from segments import changes
from segments.models import Segment
from segments.rules import RuleError, from_json
from segments.text import TextError, parse, to_text

_HEAD = re.compile(r"# (?P<name>.*\S) \((?P<status>live|draft|archived)\)")


class LineError(ValueError):
    """What is wrong with a file, and in which line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")


@dataclass(frozen=True)
class Written:
    """A segment as it stands in a file."""

    name: str
    status: str
    description: str
    rule: str


@dataclass
class Report:
    """What an import did."""

    made: int = 0
    changed: int = 0
    same: int = 0


@dataclass
class _Block:
    line: int
    name: str
    status: str
    description: list[str] = field(default_factory=list)
    rule: list[str] = field(default_factory=list)


def listed() -> list[Written]:
    """All segments, by name."""
    return [
        Written(one.name, one.status, one.description, to_text(from_json(one.rule)))
        for one in Segment.objects.order_by("name")
    ]


def written() -> str:
    """All segments as one text."""
    blocks = []
    for one in listed():
        about = "".join(f"## {line.rstrip()}\n" for line in (one.description.split("\n") if one.description else ()))
        blocks.append(f"# {one.name} ({one.status})\n{about}{one.rule}\n")
    return "\n".join(blocks)


def take(text: str) -> Report:
    """Make or change segments as a text says, found by name; others stay as they are. Call it in a transaction."""
    report = Report()
    known = {one.name: one for one in Segment.objects.all()}
    for block in list(_blocks(text)):
        try:
            rule = parse("\n".join(block.rule))
        except (TextError, RuleError) as error:
            raise LineError(block.line, f"the rule of {json.dumps(block.name)}: {error}") from None
        description = "\n".join(block.description)
        before = known.get(block.name)
        if before is None:
            known[block.name] = changes.create(block.name, rule, description=description, live=block.status == "live")
            if block.status == "archived":
                changes.archive(known[block.name])
            report.made += 1
            continue
        changed = changes.save_rule(before, rule)
        if before.description != description:
            before.description, changed = description, True
            before.save(update_fields=["description", "updated_at"])
        if before.status != block.status:
            changed = True
            changes.set_status(before, Segment.Status(block.status))
        report.changed += changed
        report.same += not changed
    return report


def _blocks(text: str) -> Iterator[_Block]:
    block: _Block | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("# "):
            if block:
                yield block
            head = _HEAD.fullmatch(line.rstrip())
            if not head:
                raise LineError(number, "must be '# NAME (live)', (draft) or (archived)")
            if len(head["name"]) > 120:
                raise LineError(number, "the name has more than 120 characters")
            block = _Block(number, head["name"], head["status"])
        elif line.strip():
            if block is None:
                raise LineError(number, "a line '# NAME (live)' must come first")
            if line.startswith("##"):
                block.description.append(line.removeprefix("##").strip())
            else:
                block.rule.append(line)
    if block:
        yield block
