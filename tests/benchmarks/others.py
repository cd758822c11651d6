"""The questions of `questions` as an analyst would ask them of DuckDB and chDB, on the same rows.

Both have one table of events with typed columns, sorted by name and time, and one of people; each with two threads.
chDB is only compared with: `pip install .[bench]`. Where it is missing, its figures are.
"""

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.crowd import CATEGORIES, COUNTRIES, NAMES, PATHS, STAGES, Crowd

THREADS = 2


class Engine(Protocol):
    """Answers SQL with one number. `micros(days)`: the moment so many days before now, as it is written there."""

    name: str

    def ask(self, query: str) -> int: ...


def tables(crowd: Crowd) -> dict[str, pa.Table]:
    order = np.lexsort((crowd.time, crowd.name))
    return {
        "event": pa.table({
            "name": crowd.name[order], "time": crowd.time[order], "person": crowd.person[order],
            "category": pa.DictionaryArray.from_arrays(crowd.word[order], list(CATEGORIES)).cast(pa.string()),
            "path": pa.DictionaryArray.from_arrays(crowd.word[order], list(PATHS)).cast(pa.string()),
            "cents": crowd.cents[order],
        }),
        "people": pa.table({
            "person": np.arange(len(crowd.people), dtype=np.int32),
            "country": pa.DictionaryArray.from_arrays(crowd.country, list(COUNTRIES)).cast(pa.string()),
            "lifecycle": pa.DictionaryArray.from_arrays(crowd.stage, list(STAGES)).cast(pa.string()),
            "birthday": birthdays(crowd), "churn": crowd.churn, "consent": crowd.consent, "spent": crowd.spent,
            "has_email": (crowd.stage != 3).astype(np.int16),
        }),
        "ticket": pa.table({"person": crowd.ticket_person.astype(np.int32), "open": crowd.ticket_open}),
    }  # fmt: skip


def birthdays(crowd: Crowd) -> np.ndarray:
    """Month * 100 + day."""
    day = crowd.born.astype("M8[D]")
    month = day.astype("M8[M]")
    return (month.astype(int) % 12 + 1) * 100 + (day - month.astype("M8[D]")).astype(int) + 1


class DuckDB:
    name = "DuckDB"

    def __init__(self, crowd: Crowd) -> None:
        import duckdb

        self.connection = duckdb.connect(config={"threads": THREADS})
        for name, table in tables(crowd).items():
            self.connection.register("given", table)
            order = " ORDER BY name, time" if name == "event" else ""
            self.connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given{order}")
            self.connection.unregister("given")

    def ask(self, query: str) -> int:
        found = self.connection.execute(query).fetchone()
        assert found is not None
        return int(found[0])


class ChDB:
    name = "chDB"

    def __init__(self, crowd: Crowd) -> None:
        from chdb import session

        self.folder = tempfile.TemporaryDirectory()
        self.session = session.Session(f"{self.folder.name}/chdb")
        self.session.query("CREATE DATABASE crowd ENGINE = Atomic")
        keys = {"event": "(name, time)", "people": "person", "ticket": "person"}
        for name, table in tables(crowd).items():
            path = Path(self.folder.name) / f"{name}.parquet"
            pq.write_table(table, path)
            self.session.query(
                f"CREATE TABLE crowd.{name} ENGINE = MergeTree ORDER BY {keys[name]} SETTINGS allow_nullable_key = 1"
                f" AS SELECT * FROM file('{path}', Parquet)"
            )
            self.session.query(f"OPTIMIZE TABLE crowd.{name} FINAL")
            path.unlink()
        self.session.query("USE crowd")

    def ask(self, query: str) -> int:
        return int(str(self.session.query(f"{query} SETTINGS max_threads = {THREADS}", "CSV")).strip())


def engines(crowd: Crowd) -> tuple[list[Engine], list[str]]:
    """Those that are here, and what is said of the others."""
    here: list[Engine] = []
    missing = []
    for make in (DuckDB, ChDB):
        try:
            here.append(make(crowd))
        except ImportError:
            missing.append(f"{make.name} isn't installed here")
    return here, missing


# -- the questions

Query = Callable[[Crowd], str]


def since(crowd: Crowd, days: float) -> int:
    return int((crowd.now - timedelta(days=days)).timestamp() * 1_000_000)


def _name(name: str) -> int:
    return NAMES.index(name)


def did(crowd: Crowd, name: str, days: float | None, having: str = "", where: str = "") -> str:
    """A query for those who did something, so that `having` holds."""
    test = f" AND time > {since(crowd, days)}" if days is not None else ""
    grouped = f" GROUP BY person HAVING {having}" if having else ""
    return f"SELECT {'' if having else 'DISTINCT '}person FROM event WHERE name = {_name(name)}{test}{where}{grouped}"


def changed(crowd: Crowd, name: str, days: int, having: str) -> str:
    """Those of whom `having` holds for `now` and `before`, the counts of two periods."""
    edge = since(crowd, days)
    return (
        f"SELECT person FROM event WHERE name = {_name(name)} AND time > {since(crowd, 2 * days)} GROUP BY person"
        f" HAVING {having.format(now=f'sum(CASE WHEN time > {edge} THEN 1 ELSE 0 END)', all='count(*)')}"
    )


def best(crowd: Crowd, percent: float) -> str:
    """The best so many per cent of those who spent in a year, with who has the same as the last."""
    orders = did(crowd, "Order Completed", 365, "count(*) > 0")
    spent = orders.replace("SELECT person", "SELECT person, sum(cents) AS spent")
    place = f"(SELECT CAST(ceil(count(*) * {percent / 100}) AS BIGINT) FROM ({spent}) AS a)"
    ranked = f"SELECT spent, row_number() OVER (ORDER BY spent DESC) AS place FROM ({spent}) AS b"
    return f"SELECT person FROM ({spent}) AS c WHERE spent >= (SELECT min(spent) FROM ({ranked}) AS d WHERE place <= {place})"


def among(*conditions: str) -> str:
    """How many people meet these conditions."""
    return f"SELECT count(*) FROM people WHERE {' AND '.join(conditions)}"


def counted(query: str) -> str:
    return f"SELECT count(*) FROM ({query}) AS found"


def inside(query: str) -> str:
    return f"person IN ({query})"


def outside(query: str) -> str:
    return f"person NOT IN ({query})"


def next_days(crowd: Crowd, days: int) -> str:
    """A condition: the birthday is today or in the next days. (29 February counts as 1 March where there is none.)"""
    wanted = {(day.month * 100 + day.day) for day in ((crowd.now + timedelta(days=ahead)) for ahead in range(days + 1))}
    if 301 in wanted and 229 not in wanted:
        wanted.add(229)
    return f"birthday IN ({', '.join(map(str, sorted(wanted)))})"
