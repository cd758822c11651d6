"""What a destination is: the settings that it asks for, and how it takes a set of changes.

A new destination is one module with one subclass of `Destination`: a `kind`, a `label`, a form of `Settings`, `send` and
`test`. Everything else (who is to be added or removed, batches, order, retries, giving up, what is held) is done by
`connectors.sync` and `connectors.deliver`, the same for all. `send` may be called again with the same changes, so it
must have the same effect when it is: by the delivery's id as idempotency key, or by its nature.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar

from django import forms
from msgspec import Struct

from connectors.destinations.fields import SecretField

# kind of identifier -> how a form calls it. A visitor's ids and record numbers never leave the house.
IDENTIFIERS = {
    "user_id": "User id",
    "email": "E-mail",
    "phone": "Phone",
    "loyalty_card": "Loyalty card",
    "external_id": "Ids of other systems",
}


class Member(Struct, omit_defaults=True):
    """A person as a destination sees them. Ids are text: JavaScript can't hold 64 bits in a number."""

    profile_id: str
    identifiers: dict[str, list[str]]
    traits: dict[str, Any] = {}
    merged_into: str = ""


class AudienceName(Struct):
    id: str
    name: str


class Changes(Struct):
    """What a delivery says. `removed` is to be applied before `added`: after a merge of two people an e-mail address
    may be in both, once for the person who is gone and once for the one who stays."""

    delivery_id: str
    audience: AudienceName
    sent_at: datetime
    removed: list[Member]
    added: list[Member]


class Verdict(Enum):
    DELIVERED = "delivered"
    TRY_AGAIN = "try again"
    REFUSED = "refused"


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt. `reason` is for the person who can mend it: no secret and no personal data in it.

    `retry_after` in seconds, where the other side asked for it. `refused` says which people the other side won't take
    (profile id -> reason), of a delivery that was taken otherwise.
    """

    verdict: Verdict
    reason: str = ""
    retry_after: float | None = None
    refused: Mapping[str, str] = field(default_factory=dict)


def delivered(refused: Mapping[str, str] | None = None) -> Outcome:
    return Outcome(Verdict.DELIVERED, refused=refused or {})


def try_again(reason: str, retry_after: float | None = None) -> Outcome:
    """It may work later as it is: unreachable, busy, a setting on the other side that somebody may mend."""
    return Outcome(Verdict.TRY_AGAIN, reason, retry_after)


def refuse(reason: str) -> Outcome:
    """It will never work as it is; somebody has to change something here."""
    return Outcome(Verdict.REFUSED, reason)


class Capability(Enum):
    CHANGES = "takes who was added and removed, as it happens"
    SNAPSHOT = "is given the whole audience from time to time"


@dataclass(frozen=True)
class Adopted:
    """Settings as they are to be stored, and what the admin must be told now because it is never shown again."""

    config: dict[str, Any]
    notices: list[str] = field(default_factory=list)


class Settings(forms.Form):
    """What every destination asks: as little about people as the other side needs."""

    identifiers = forms.MultipleChoiceField(
        choices=list(IDENTIFIERS.items()),
        initial=["user_id", "email", "phone", "external_id"],
        widget=forms.CheckboxSelectMultiple,
        help_text="Which identifiers of a person are sent.",
    )
    traits = forms.CharField(
        required=False,
        help_text="Names of traits that are sent with each added person, separated by commas, such as: city, country.",
    )

    def __init__(self, *args: Any, stored: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = dict(stored or {})
        for name, value in self.stored.items():
            if name in self.fields and not isinstance(self.fields[name], SecretField):
                self.initial[name] = ", ".join(value) if name == "traits" else value
        for name, secret in self.secrets():
            secret.note_stored(bool(self.stored.get(name)))

    def secrets(self) -> list[tuple[str, SecretField]]:
        return [(name, one) for name, one in self.fields.items() if isinstance(one, SecretField)]

    def clean_traits(self) -> list[str]:
        names = [name.strip() for name in self.cleaned_data["traits"].split(",")]
        return list(dict.fromkeys(name for name in names if name))


class Destination(ABC):
    """A system that audiences are sent to, with its stored settings."""

    kind: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str] = ""
    settings: ClassVar[type[Settings]] = Settings
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.CHANGES})
    # People in one delivery.
    batch_size: ClassVar[int] = 1_000

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config

    @abstractmethod
    def send(self, changes: Changes, body: bytes) -> Outcome:
        """Take the changes over: `body` is `changes` as JSON, byte for byte the same at each attempt.

        Runs in a thread of its own, without the database, for at most `deliver.ATTEMPT_LASTS` seconds.
        """

    @abstractmethod
    def test(self) -> Outcome:
        """Try the settings without changing anything on the other side."""

    def keep(self, audience: AudienceName, members: Iterator[Member]) -> None:
        """Replace the other side's whole list (`Capability.SNAPSHOT` only)."""
        raise TypeError(f"{self.label} takes changes, not whole lists.")

    def compare(self, audience: AudienceName, members: Iterator[Member]) -> str:
        """What differs between the other side's whole list and these members (ordered by id); '' when nothing does."""
        raise TypeError(f"{self.label} takes changes, not whole lists.")

    def snapshot_every(self) -> float | None:
        """Seconds between two whole lists while there are changes; None: none are wanted (`Capability.SNAPSHOT` only)."""
        return None

    @classmethod
    def adopt(cls, stored: Mapping[str, Any], form: Settings) -> Adopted:
        """The settings to store, from a valid form: a secret that was left empty stays as it was."""
        config = dict(form.cleaned_data)
        for name, _ in form.secrets():
            config[name] = config[name] or stored.get(name, "")
        return Adopted(config)
