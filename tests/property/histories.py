"""Random histories of a few identifiers each, made to meet limits: aliases, kiosks, families, numbers given anew, cuts.

Each is played in a name space of its own (a prefix of all its identifiers), so that hundreds of them share a database.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from profiles.identifiers import ANONYMOUS, CARD, DEVICE, EMAIL, PHONE, RECORD, USER, Identifier

START = datetime(2026, 1, 1, tzinfo=UTC)
# Small limits, so that few identifiers reach them: kind -> (limit, shared above, yields after days).
RULES = {
    USER: (1, 3, 0), CARD: (2, 2, 0), EMAIL: (2, 2, 0), PHONE: (2, 2, 60), DEVICE: (2, 2, 40), ANONYMOUS: (3, 2, 40),
}  # fmt: skip
LETTERS = "abcdef"
# Which kinds a message names together, and how often such messages come.
_NAMED = [
    "u", "ue", "ue", "uep", "up", "ua", "ua", "ud", "ea", "ed", "e", "pe", "p", "a", "d", "da", "c", "ce", "cp", "eo",
    "uo", "o", "ao", "eao", "uepadco", "aed", "po",
]  # fmt: skip


@dataclass(frozen=True)
class Message:
    """One message of a history: its number there, the day, the kinds with the letter of each, or an alias."""

    number: int
    day: int
    names: tuple[tuple[str, str], ...]
    alias_of: str = ""


@dataclass(frozen=True)
class History:
    messages: tuple[Message, ...]
    # Pairs of (kind, letter) that somebody says are not one person's.
    cuts: tuple[tuple[tuple[str, str], tuple[str, str]], ...]


def history(rnd: random.Random) -> History:
    """Some letters only, so that identifiers meet; sometimes one that everybody comes with."""
    letters = LETTERS[: rnd.randrange(2, 7)]
    kiosk = rnd.choice("edpa") if rnd.random() < 0.3 else ""
    messages = []
    for number, day in enumerate(rnd.sample(range(300), rnd.randrange(4, 13))):
        if rnd.random() < 0.08:
            messages.append(Message(number, day, (("u", rnd.choice(letters)),), alias_of=rnd.choice([*letters, "z"])))
            continue
        names = {kind: rnd.choice(letters) for kind in rnd.choice(_NAMED)}
        if kiosk and rnd.random() < 0.7:
            names[kiosk] = "a"
        messages.append(Message(number, day, tuple(names.items())))
    named = sorted({name for message in messages for name in message.names if name[0] != "o"})
    cuts = []
    if len(named) > 1 and rnd.random() < 0.25:
        cuts = [tuple(rnd.sample(named, 2)) for _ in range(rnd.randrange(1, 3))]
    return History(tuple(messages), tuple((one, other) for one, other in cuts))


class Space:
    """A name space of 6 letters a kind: a history's identifiers there, and its messages as a sender would send them."""

    def __init__(self, number: int, source: int) -> None:
        self.number, self.source = number, source
        self.prefix = f"s{number:05}"

    def phone(self, letter: str) -> str:
        return f"+346{10_000_000 + self.number * 26 + ord(letter) - ord('a')}"

    def identifier(self, kind: str, letter: str) -> Identifier:
        match kind:
            case "u":
                return USER, f"{self.prefix}{letter}"
            case "c":
                return CARD, f"{self.prefix}{letter}".upper()
            case "e":
                return EMAIL, f"{self.prefix}{letter}@example.com"
            case "p":
                return PHONE, self.phone(letter)
            case "d":
                return DEVICE, f"{self.prefix}{letter}"
            case "a":
                return ANONYMOUS, f"{self.prefix}{letter}"
        return RECORD, f"{self.source}:order:{self.prefix}{letter}"

    def plain(self, identifier: Identifier) -> tuple[int, str]:
        """The same identifier whatever the name space."""
        kind, value = identifier
        if kind == PHONE:
            return kind, chr((int(value.removeprefix("+346")) - 10_000_000) % 26 + ord("a"))
        return kind, value.lower().split(self.prefix)[1][0]

    def sent(self, message: Message) -> dict[str, Any]:
        said: dict[str, Any] = {
            "messageId": f"{self.prefix}m{message.number}",
            "timestamp": (START + timedelta(days=message.day)).isoformat(),
        }
        if message.alias_of:
            (_, user) = message.names[0]
            return {**said, "type": "alias", "userId": self.prefix + user, "previousId": self.prefix + message.alias_of}
        traits: dict[str, Any] = {"colour": message.number}
        for kind, letter in message.names:
            value = self.identifier(kind, letter)[1]
            match kind:
                case "u":
                    said["userId"] = value
                case "a":
                    said["anonymousId"] = value
                case "c":
                    traits["loyalty_card"] = value
                case "e":
                    traits["email"] = value
                case "p":
                    traits["phone"] = value
                case "d":
                    said["context"] = {"device": {"id": value}}
                case "o":
                    said["properties"] = {"order_id": self.prefix + letter, "total": message.day}
        said["context"] = {**said.get("context", {}), "traits": traits}
        return {**said, "type": "track", "event": "Order Completed"}
