"""The dense numbers of people in blocks: given when somebody is first sealed, never taken back, never used again."""

import numpy as np

from cdp_site import sql
from cdp_site.ids import new_id

_PAGE = 65_536
_BORN = "SELECT born FROM block_people WHERE page = 0"
_PAGES = "SELECT page, ids FROM block_people WHERE page >= %s ORDER BY page"
_PUT = """
INSERT INTO block_people AS kept (page, born, ids) VALUES (%b, %b, %b) ON CONFLICT (page) DO UPDATE SET ids = excluded.ids
"""


class Numbers:
    """As far as this process knows them. `profiles`: the profile's id, by number."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.born = 0
        self.profiles = np.empty(0, np.int64)
        self._sorted, self._order = self.profiles, self.profiles

    def catch_up(self) -> None:
        """Read what was added. Cost: nothing but a look, else a page or more (65,536 people, half a megabyte, each)."""
        born = sql.rows(_BORN)
        if not born or born[0][0] != self.born:
            self.forget()
            self.born = born[0][0] if born else 0
        if not born:
            return
        known = len(self.profiles)
        for page, ids in sql.rows(_PAGES, (known // _PAGE,), binary=True):
            found = np.frombuffer(ids, "<i8")
            self._add(found[max(len(self.profiles) - page * _PAGE, 0) :])

    def of(self, profiles: np.ndarray) -> np.ndarray:
        """The number of each profile, -1 for whoever has none."""
        if not len(self._sorted):
            return np.full(len(profiles), -1)
        place = np.minimum(np.searchsorted(self._sorted, profiles), len(self._sorted) - 1)
        return np.where(self._sorted[place] == profiles, self._order[place], -1)

    def give(self, profiles: np.ndarray) -> np.ndarray:
        """The number of each profile; who has none gets one. By the sealing stage alone, in its transaction: whoever
        calls it forgets the numbers when that fails."""
        distinct, places = np.unique(profiles, return_inverse=True)
        self.catch_up()
        numbers = self.of(distinct)
        fresh = distinct[numbers < 0]
        if len(fresh):
            numbers[numbers < 0] = len(self.profiles) + np.arange(len(fresh))
            first = len(self.profiles) // _PAGE
            self.born = self.born or new_id()
            self._add(fresh)
            with sql.cursor() as cursor:
                for page in range(first, (len(self.profiles) - 1) // _PAGE + 1):
                    ids = self.profiles[page * _PAGE : (page + 1) * _PAGE]
                    cursor.execute(_PUT, (page, self.born, ids.astype("<i8").tobytes()))
        return numbers[places]

    def _add(self, profiles: np.ndarray) -> None:
        if len(profiles):
            numbers = len(self.profiles) + np.arange(len(profiles))
            self.profiles = np.concatenate([self.profiles, profiles])
            order = np.argsort(profiles)
            place = np.searchsorted(self._sorted, profiles[order])
            self._sorted = np.insert(self._sorted, place, profiles[order])
            self._order = np.insert(self._order, place, numbers[order])
