"""Goals: reading a goal's conversions with what was taken back, and the acts on goals (make, change, remove)."""

from typing import TYPE_CHECKING

from campaigns.models import Goal

if TYPE_CHECKING:
    from campaigns.attribution.journeys import Conversions


def conversions(goal: Goal, people: object) -> "Conversions":
    """The conversions of some people, refunds and cancellations taken off."""
    raise NotImplementedError


def recompute(ids: list[int] | None = None) -> None:
    """Have the journeys of these goals (None: of all) computed anew for everybody, in the background."""
    raise NotImplementedError
