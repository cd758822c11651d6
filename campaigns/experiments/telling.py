"""An experiment's result in plain English."""

from campaigns.experiments.results import ArmResult, Result
from campaigns.experiments.statistics import Interval


def points(difference: float) -> str:
    """0.0766 as '+7.66 points'."""
    return f"{100 * difference:+.2f} points".replace("-", "−")


def between(interval: Interval) -> str:
    """'between +7.00 and +8.32'"""
    return f"between {100 * interval.low:+.2f} and {100 * interval.high:+.2f}".replace("-", "−")


def rate(share: float) -> str:
    """0.1828 as '18.3 %'; small ones with two decimals."""
    return f"{100 * share:.{1 if share >= 0.01 or share == 0 else 2}f} %"


def sentence(result: Result) -> str:
    """The one thing to know, for the head of the page."""
    control = result.control
    if not result.people:
        return "Nobody is in it yet."
    if control is None:
        return "Say which arm is the control: then it shows what the others added."
    if not control.tally.people:
        return f"Nobody is in the control arm “{control.arm.name}” yet, so there is nothing to compare with."
    compared = [one for one in result.others if one.rate is not None]
    if not compared:
        return "Everybody is in the control arm so far."
    if result.odd:
        return "People were not split as planned, so no difference can be put down to the arms yet."
    if all(one.few for one in compared):
        return f"Too few people did “{result.outcome.label}” so far to say anything."
    best = max(compared, key=lambda one: one.rate.estimate if one.rate else 0.0)
    return of_arm(best, control, result.outcome.label)


def of_arm(one: ArmResult, control: ArmResult, outcome: str) -> str:
    """What an arm did against the control."""
    if one.rate is None:
        return f"Nobody is in “{one.arm.name}” yet."
    rates = f"{rate(one.tally.rate)} of “{one.arm.name}” did “{outcome}”, {rate(control.tally.rate)} of “{control.arm.name}”"
    if one.few:
        return f"{rates}: too few people to say whether that is chance."
    if one.rate.sure:
        word = "added" if one.rate.estimate > 0 else "cost"
        size = points(abs(one.rate.estimate)).lstrip("+")
        return f"“{one.arm.name}” {word} {size} ({between(one.rate)}): {rates}."
    seen = f" A test of this size sees {points(one.smallest).lstrip('+')} in 4 of 5 cases." if one.smallest else ""
    return f"No difference to be seen ({between(one.rate)} points): {rates}.{seen}"
