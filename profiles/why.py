"""In words, why a link joins nothing: what is shared or disputed, a limit, a cut, or too weak. Pure; no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import formats, timezone

from profiles.identifiers import Identifier, Kind


@dataclass(frozen=True)
class Claim:
    """That two identifiers are one person's: whom either leads to, when it was said first and (to the month) last."""

    one: Identifier
    other: Identifier
    one_home: int | None
    other_home: int | None
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True)
class Apart:
    """A cut: between what, whom either leads to, by whom, when and why."""

    one: Identifier
    other: Identifier
    one_home: int | None
    other_home: int | None
    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Told:
    """To whom and in which words: the person whose page it is, others' names, the kinds."""

    profile_id: int
    names: Mapping[int, str]
    labels: Mapping[int, str]
    kinds: Mapping[int, Kind]

    def who(self, profile_id: int | None) -> str:
        if profile_id is None:
            return "nobody yet"
        return "this person" if profile_id == self.profile_id else self.names.get(profile_id, "another person")

    def what(self, kind: int) -> str:
        """A kind in the middle of a sentence."""
        label = self.labels[kind]
        return label if label[1:2].isupper() else label[:1].lower() + label[1:]

    def many(self, kind: int, number: int) -> str:
        plural = {"e-mail": "e-mail addresses"}.get(self.what(kind), f"{self.what(kind)}s")
        return f"{number:,} {self.what(kind) if number == 1 else plural}"


def shared(one: Identifier, seen_with: Mapping[int, int], told: Told) -> str:
    kind = told.kinds[one[0]]
    naming = [(number, -beside) for beside, number in seen_with.items() if told.kinds[beside].identifies]
    most = max(naming, default=(0, 0))
    seen = f": it was seen with {told.many(-most[1], most[0])}" if most[0] else ""
    limit = f", and more than {kind.shared_above} can't be one person's" if kind.shared_above else ""
    return f"This {told.what(one[0])} is shared{seen}{limit}. It says nothing about anybody."


def disputed(one: Identifier, claimants: Sequence[int | None], told: Told) -> str:
    """`claimants`: to whom the accounts that claim it lead."""
    what, kind = told.what(one[0]), told.kinds[one[0]]
    who = sorted(
        {told.who(home) for home in claimants if home is not None}, key=lambda name: (name != "this person", name)
    )
    several = f"{', '.join(who[:-1])} and {who[-1]}" if 1 < len(who) <= 4 else f"{len(claimants):,} accounts"
    lapses = (
        f"once nobody but one has used it for {kind.yields_after:,} days"
        if kind.yields_after
        else "when an account is said to be the other’s (an alias)"
    )
    return (
        f"{several[:1].upper()}{several[1:]} claim this {what} at the same time and are different accounts, so it is"
        " disputed: it is neither’s and says nothing about who somebody is."
        f" That ends {lapses}, or when somebody says whose it is."
    )


def weak(claim: Claim, told: Told) -> str:
    kind = next((end[0] for end in (claim.other, claim.one) if told.kinds[end[0]].role == "suggest"), claim.other[0])
    return f"This kind of identifier ({told.what(kind)}) may suggest that two are one, and never joins by itself."


def limit(
    claim: Claim, rivals: Sequence[Claim], counts: Mapping[int, Mapping[int, int]], told: Told
) -> str:  # fmt: skip
    """What would be too many, and with whom the identifier stays instead, and why with them."""
    return " ".join(part for part in (_too_many(claim, counts, told), _stays(claim, rivals, told)) if part)


def _too_many(claim: Claim, counts: Mapping[int, Mapping[int, int]], told: Told) -> str:
    if claim.one_home is None or claim.other_home is None:
        return "Together they would have more of a kind than one person may have."
    mine, theirs = counts.get(claim.one_home, {}), counts.get(claim.other_home, {})
    for kind in sorted(mine.keys() | theirs.keys(), key=lambda kind: told.kinds[kind].priority):
        number = mine.get(kind, 0) + theirs.get(kind, 0)
        if told.kinds[kind].merges and number > told.kinds[kind].limit:
            return (
                f"It would make one person with {told.many(kind, number)}; one person has at most"
                f" {told.kinds[kind].limit:,}."
            )
    return "With what they had then they would have had more of a kind than one person may have."


def _stays(claim: Claim, rivals: Sequence[Claim], told: Told) -> str:
    """With whom the weaker identifier is instead, as `profiles.grouping` judges: still said, stronger, older."""
    if not rivals or claim.first is None or claim.last is None:
        return ""
    rival = min(rivals, key=lambda one: (told.kinds[one.one[0]].priority, one.first or one.last or claim.first))
    what, who = told.what(claim.other[0]), told.who(rival.other_home)
    if rival.first is None or rival.last is None or rival.other_home in (None, claim.one_home):
        return ""
    stays = f"The {what} is with {who}:"
    mine = told.who(claim.one_home)
    patience = timedelta(days=told.kinds[claim.other[0]].yields_after)
    latest = max(one.last for one in rivals if one.last)
    if patience and claim.last < latest - patience:
        return (
            f"The {what} was given anew: it was last said of {mine} in {_month(claim.last)}, and of {who} until"
            f" {_month(latest)}. After {patience.days} days the newer claim holds."
        )
    if told.kinds[rival.one[0]].priority < told.kinds[claim.one[0]].priority:
        stronger, weaker = told.what(rival.one[0]), told.what(claim.one[0])
        return f"{stays} a link with a person’s {stronger} is stronger evidence than one with a person’s {weaker}."
    if rival.first <= claim.first:
        return f"{stays} it was said of {who} first, on {_day(rival.first)} (of {mine} on {_day(claim.first)})."
    return f"{stays} it is still said of {who}, until {_month(latest)}."


def cut(claim: Claim, cuts: Sequence[Apart], told: Told) -> str:
    homes = {claim.one_home, claim.other_home}
    ends = {claim.one, claim.other}
    near = sorted(
        (one for one in cuts if {one.one, one.other} == ends or {one.one_home, one.other_home} == homes),
        key=lambda one: ({one.one, one.other} != ends, one.at),
    )
    if not near:
        return "Somebody cut the two apart."
    found = near[0]
    one, other = (f"{told.what(end[0])} {end[1]}" for end in (found.one, found.other))
    what = "this link" if {found.one, found.other} == ends else f"{one} and {other} apart"
    return f"{found.by} cut {what} on {_day(found.at)}: “{found.reason}”."


def _day(moment: datetime) -> str:
    return formats.date_format(timezone.localtime(moment), "j M Y")


def _month(moment: datetime) -> str:
    return formats.date_format(moment, "M Y")
