"""What an experiment says: each arm against the control, on one outcome. Only this is called uplift in the product."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.experiments import arriving, tallies
from campaigns.experiments.outcomes import Outcome, main_outcome
from campaigns.experiments.statistics import (
    Interval,
    Ratio,
    Tally,
    planned,
    rate_difference,
    sample_ratio,
    share_added,
    smallest_rate,
    smallest_value,
    value_difference,
)
from campaigns.models import Arm, Experiment

# How old a result may be on the dashboards, which show many; the stage 'enrol' keeps it fresher than that.
OLD = timedelta(hours=1)


@dataclass(frozen=True)
class Uplift:
    """What was added, measured: people who got something (`treated`, all arms but the control together) against those who
    by chance didn't (`control`). Outcomes count for `days` after each person's enrolment.

    `rate`: difference of the shares who converted (0.0766 is 7.66 points). `value`: of the value per person, in `currency`.
    `added`: conversions that there were because of it, among those treated. `share`: of their conversions, the share that
    was added; this is what a model's share of a channel can be held against. All with 95 % intervals.
    """

    experiment_id: int
    experiment: str
    outcome: Outcome
    days: int
    since: datetime  # first enrolment
    until: datetime  # last enrolment
    treated: Tally
    control: Tally
    rate: Interval
    added: Interval
    value: Interval | None
    share: Interval | None
    odd: bool  # people were not split as planned: not to be trusted

    @property
    def currency(self) -> str:
        return self.outcome.currency


@dataclass(frozen=True)
class ArmResult:
    """One arm. What compares it with the control is None for the control itself, and while there is none.

    `smallest`, `smallest_value`: the smallest difference that groups of this size would show in 4 of 5 tests.
    """

    arm: Arm
    tally: Tally
    expected: float | None
    rate: Interval | None = None
    value: Interval | None = None
    added: Interval | None = None
    share: Interval | None = None
    smallest: float | None = None
    smallest_value: float | None = None
    few: bool = False

    @property
    def relative(self) -> float | None:
        """The difference of the rates as a share of the control's."""
        if self.rate is None or self.tally.rate == self.rate.estimate:
            return None
        return self.rate.estimate / (self.tally.rate - self.rate.estimate)


@dataclass(frozen=True)
class Result:
    """An experiment on one outcome, as of `at`. `several`: people in more than one arm, who are counted in none; `early`:
    people whose days aren't over yet (they count with what they did so far). `assumed`: nobody said what split was planned,
    so it is compared with an equal one."""

    experiment: Experiment
    outcome: Outcome
    arms: tuple[ArmResult, ...]
    ratio: Ratio | None
    assumed: bool
    several: int
    early: int
    since: datetime | None
    until: datetime | None
    at: datetime

    @property
    def control(self) -> ArmResult | None:
        return next((one for one in self.arms if one.arm.control), None)

    @property
    def others(self) -> list[ArmResult]:
        return [one for one in self.arms if not one.arm.control]

    @property
    def odd(self) -> bool:
        """People were not split as was planned: the differences aren't to be trusted."""
        return self.ratio is not None and self.ratio.odd and not self.assumed

    @property
    def valued(self) -> bool:
        """Whether the outcome has values at all."""
        return any(one.tally.squares for one in self.arms)

    @property
    def people(self) -> int:
        """Who is counted: in one arm only."""
        return sum(one.tally.people for one in self.arms)


def measure(experiment: Experiment, outcome: Outcome, oldest: timedelta | None = None) -> Result:
    """The result as it was at most `oldest` ago, else a few seconds.

    Cost when it must be counted: one pass over the enrolments, and over the outcome's events of that time.
    """
    return result(experiment, outcome, list(experiment.arms.all()), tallies.of(experiment, outcome, oldest))


def result(experiment: Experiment, outcome: Outcome, arms: Sequence[Arm], counted: tallies.Counted) -> Result:
    """What follows from the tallies. Pure."""
    groups = {arm.pk: counted.arms.get(arm.pk, Tally()) for arm in arms}
    control = next((groups[arm.pk] for arm in arms if arm.control), None)
    shares = planned([arm.share for arm in arms])
    ratio = sample_ratio([groups[arm.pk].people for arm in arms], shares) if shares else None
    found = []
    for place, arm in enumerate(arms):
        expected = ratio.expected[place] if ratio else None
        if arm.control or control is None:
            found.append(ArmResult(arm, groups[arm.pk], expected))
        else:
            found.append(_compared(arm, groups[arm.pk], control, expected))
    return Result(
        experiment, outcome, tuple(found), ratio, all(arm.share is None for arm in arms),
        counted.several, counted.early, counted.since, counted.until, counted.at
    )  # fmt: skip


def _compared(arm: Arm, treated: Tally, control: Tally, expected: float | None) -> ArmResult:
    rate = rate_difference(treated, control)
    # Where nobody or everybody of the control did it, its rate says nothing about how much chance there is.
    tells = 0 < control.converted < control.people
    return ArmResult(
        arm, treated, expected, rate, value_difference(treated, control) if treated.squares or control.squares else None,
        rate.times(treated.people) if rate else None, share_added(treated, control),
        smallest_rate(treated.people, control) if tells else None, smallest_value(treated.people, control),
        treated.few or control.few,
    )  # fmt: skip


def uplift(of: Result) -> Uplift | None:
    """All arms but the control as one, against it. None while there is nobody in one of the two."""
    control = of.control
    treated = sum((one.tally for one in of.others), Tally())
    rate = rate_difference(treated, control.tally) if control else None
    if control is None or rate is None or of.since is None or of.until is None:
        return None
    return Uplift(
        of.experiment.pk, of.experiment.name, of.outcome, of.experiment.days, of.since, of.until, treated, control.tally,
        rate, rate.times(treated.people), value_difference(treated, control.tally), share_added(treated, control.tally),
        of.odd,
    )  # fmt: skip


def uplift_by_channel(goal_id: int | None = None) -> dict[int, Uplift]:
    """For each channel that an experiment was about, what the newest one with a result says; by channel id. Those whose
    people were not split as planned are left out, and so are archived ones and those whose file is still being read.

    `goal_id`: on which goal; the first one where none is given. Up to an hour old; cost then: three small queries,
    and three lookups for each experiment that came by a file.
    """
    return _newest("channel_id", goal_id)


def uplift_by_campaign(goal_id: int | None = None) -> dict[int, Uplift]:
    """As `uplift_by_channel`, by campaign id."""
    return _newest("campaign_id", goal_id)


def _newest(field: str, goal_id: int | None) -> dict[int, Uplift]:
    outcome = main_outcome(goal_id)
    if outcome is None:
        return {}
    found: dict[int, tuple[datetime, Uplift]] = {}
    for experiment in Experiment.objects.listed().filter(**{f"{field}__isnull": False}).prefetch_related("arms"):
        if arriving.left(experiment):
            continue
        counted = measure(experiment, outcome, OLD)
        one = None if counted.odd else uplift(counted)
        about: int = getattr(experiment, field)
        if one is not None and (about not in found or found[about][0] < one.until):
            found[about] = one.until, one
    return {about: one for about, (_, one) in found.items()}
