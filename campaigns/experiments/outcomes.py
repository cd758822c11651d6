"""What an experiment is measured on: a goal (its conversions, with what was taken back taken off), or any event."""

from dataclasses import dataclass

from django.conf import settings

from campaigns.models import Goal
from cdp_site import sql
from segments import load


@dataclass(frozen=True)
class Outcome:
    """`key` is how addresses and kept results name it: 'goal:<id>' or 'event:<name>'. `event`: its event's name.

    `ready`: False while a goal's conversions are still being found.
    """

    key: str
    label: str
    event: str
    goal_id: int | None = None
    currency: str = ""
    ready: bool = True

    def name_ids(self) -> list[int]:
        """The numbers of its event's name, which may occur with several types of message."""
        return load.name_ids({self.event}).get(self.event, [])


def goals() -> list[Outcome]:
    """Those that are in use, the oldest first."""
    return [of_goal(goal) for goal in Goal.objects.filter(enabled=True)]


def of_goal(goal: Goal) -> Outcome:
    return Outcome(f"goal:{goal.pk}", goal.name, goal.event, goal.pk, goal.currency, goal.cursor is None)


def of_event(name: str) -> Outcome:
    """People who did it at least once, and the value of all of them. Values are taken as the company's currency."""
    return Outcome(f"event:{name}", name, name, None, settings.CURRENCY)


def main_outcome(goal_id: int | None = None) -> Outcome | None:
    """A goal as an outcome; the first one where none is given."""
    found = goals()
    if goal_id is None:
        return found[0] if found else None
    return next((one for one in found if one.goal_id == goal_id), None)


def default_outcome() -> Outcome | None:
    """The first goal; while there is none, orders, where any has arrived."""
    return main_outcome() or named("event:Order Completed")


_KNOWN = "SELECT name FROM event_name WHERE name = %s LIMIT 1"


def named(key: str) -> Outcome | None:
    """The outcome that an address names; None where there is no such goal or event."""
    kind, _, rest = key.partition(":")
    if kind == "goal":
        return next((one for one in goals() if one.key == key), None)
    if kind == "event" and rest and sql.rows(_KNOWN, (rest,)):
        return of_event(rest)
    return None


_NAMES = "SELECT DISTINCT name FROM event_name ORDER BY name LIMIT %s"
MOST_NAMES = 500


def event_names() -> list[str]:
    """Names of events to choose from."""
    return [name for (name,) in sql.rows(_NAMES, (MOST_NAMES,))]
