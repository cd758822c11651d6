"""A month of the demo company as a lot to draw from: its keys, its hours, how busy it is."""

import random
from datetime import UTC, datetime, timedelta

from cdp_site.demo import company

Line = tuple[float, str, str]  # seconds since 1970, system, message


class Month:
    """One month's happenings. Every customer is drawn on his own, so that months don't depend on each other."""

    def __init__(self, seed: int, month: int, begins: datetime, ending: datetime) -> None:
        self.seed, self.month = seed, month
        self.start = begins.timestamp() + month * 30 * 86_400
        self.ending = ending.timestamp()
        middle = datetime.fromtimestamp(self.start, UTC) + timedelta(days=15)
        self.season = company.SEASON[middle.month - 1]
        self.rnd = random.Random(f"history {seed} {month}")
        self.count = 0
        self.hours = [hour for hour, weight in enumerate(company.HOURS) for _ in range(weight)]

    def key(self) -> str:
        """A message id in the form of a UUID; those of a month follow each other."""
        self.count += 1
        return f"{self.seed & 0xFFFFFFFF:08x}-{self.month:04x}-4000-8000-{self.count:012x}"

    def moment(self, day: float) -> float:
        """A time on that day of the month, when people are awake."""
        rnd = self.rnd
        return self.start + int(day) * 86_400 + rnd.choice(self.hours) * 3600 + rnd.random() * 3600

    @staticmethod
    def iso(moment: float) -> str:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")

    def times(self, rate: float) -> int:
        """How often in a month something happens that happens `rate` times on average."""
        whole = int(rate)
        return whole + (self.rnd.random() < rate - whole)
