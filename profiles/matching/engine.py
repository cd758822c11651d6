"""The process that learns and scores: files in, files out. `python -m profiles.matching.engine FOLDER SECONDS MEGABYTES`

It knows no database and no settings; whoever starts it gives it `people.csv` and a time, and starts it again where it
stopped (status MORE). What is done stays in the folder: `model.json`, a `pairs-N.csv` for each part of the pairs, at last
`found.csv` and `outcome.json`. Splink and DuckDB are loaded here alone, with a bound on DuckDB's memory; what exceeds it
goes to the folder. Lines of JSON on stdout say how far it is.
"""

import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from profiles.matching import blocks, columns, model
from profiles.matching.comparisons import CLOSE, HOUSEHOLD, MUST_NOT_DIFFER, OWN, SAME, Comparison

DONE, MORE = 0, 3
FEWEST_PEOPLE = 50
# A part of the pairs is one file, and what a stopped process loses.
PAIRS_A_PART = 2_000_000
# Below this nobody asks. (Probabilities are estimated anew when all pairs are scored, so parts keep more.)
LEAST = 0.2
_LEAST_WEIGHT_OF_A_PART = -6.0
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999)


class TooLittle(Exception):
    """There is too little to learn from; says what is missing."""


def main() -> int:
    folder, seconds, megabytes = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    _die_with_parent()
    stops_at = time.monotonic() + seconds
    try:
        return _work(folder, stops_at, megabytes)
    except TooLittle as little:
        _write(folder / "outcome.json", {"too_little": str(little)})
        return DONE


def _work(folder: Path, stops_at: float, megabytes: int) -> int:
    connection = _connect(folder, megabytes)
    _tell(0, 100, "reading who can be compared")
    people = _read(connection, folder)
    compared = model.active(connection, "taking_part")
    _refuse_too_little(people, compared)
    pairs = blocks.add(connection, "taking_part", "people")
    parts = max(1, -(-pairs // PAIRS_A_PART))
    known = folder / "model.json"
    worked = not known.exists()
    if worked:
        _tell(5, 100, f"learning from {people:,} people")
        _write(known, model.train(connection, "people", compared))
    learned = json.loads(known.read_text())
    linker = model.scorer(connection, "people", learned)
    for part in range(1, parts + 1):
        if (folder / f"pairs-{part}.csv").exists():
            continue
        # At least one thing each time, however short the time, so that there is an end.
        if worked and time.monotonic() > stops_at:
            return MORE
        worked = True
        _tell(20 + 75 * (part - 1) // parts, 100, f"comparing about {pairs:,} pairs, part {part} of {parts}")
        _score(connection, linker, compared, folder / f"pairs-{part}.csv", (part, parts))
    _tell(95, 100, "estimating how sure that is")
    _finish(connection, folder, learned, people, pairs, [one.name for one in compared])
    return DONE


def _connect(folder: Path, megabytes: int) -> Any:
    connection = duckdb.connect()
    (folder / "spill").mkdir(exist_ok=True)
    connection.execute(f"SET memory_limit = '{megabytes}MB'")
    connection.execute("SET temp_directory = $folder", {"folder": str(folder / "spill")})
    connection.execute("SET threads = 2")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET enable_progress_bar = false")
    return connection


def _read(connection: Any, folder: Path) -> int:
    connection.execute(columns.READ_LOST, {"path": str(folder / "lost.csv")})
    connection.execute(columns.READ, {"path": str(folder / "people.csv")})
    for step in (columns.CLEAN, "DROP TABLE raw", "DROP TABLE lost", columns.TAKE_PART, "DROP TABLE cleaned"):
        connection.execute(step)
    return int(connection.execute("SELECT count(*) FROM taking_part").fetchall()[0][0])


def _refuse_too_little(people: int, compared: list[Comparison]) -> None:
    names = {one.name for one in compared}
    if people < FEWEST_PEOPLE:
        raise TooLittle(
            "People who have a name and something to compare it with (birth date, e-mail, phone or address):"
            f" {people:,}. The fewest to learn from are {FEWEST_PEOPLE}."
        )
    if not names & {"first", "last"} or not names - {"first", "last"} or not names & set(OWN):
        known = ", ".join(one.label.lower() for one in compared) or "nothing"
        raise TooLittle(
            f"Too few people have enough to be told apart by: what can be compared is {known}. Send names and birth dates,"
            " phones, e-mails or addresses as traits."
        )


def _score(connection: Any, linker: Any, compared: list[Comparison], target: Path, part: tuple[int, int]) -> None:
    """Compare one part of the pairs and keep those that may be one person."""
    found = linker.inference.predict_chunk(
        left_chunk=part, right_chunk=(1, 1), threshold_match_weight=_LEAST_WEIGHT_OF_A_PART, warning_mode="never"
    )
    sure = " AND ".join(f"gamma_{one.name} <> 0" for one in compared if one.name in MUST_NOT_DIFFER) or "true"
    evidence = " || ',' || ".join(_evidence(one) for one in compared)
    half = target.with_suffix(".half")
    connection.execute(
        f"COPY (SELECT least(id_l, id_r) AS one, greatest(id_l, id_r) AS other, match_weight AS weight,"
        f" {_own(compared)} AS own, {sure} AS sure, '{{' || {evidence} || '}}' AS evidence"
        f" FROM {found.physical_name}) TO {_quoted(half)} (FORMAT csv, HEADER)"
    )
    found.drop_table_from_database_and_remove_from_cache()
    half.rename(target)


def _own(compared: list[Comparison]) -> str:
    """SQL: of a pair with one last name at one address, the bits of what is their own; NULL for the others."""
    levels = {one.name: one for one in compared}
    own = " + ".join(f"mw_{name} + mw_tf_adj_{name}" for name in OWN if name in levels)
    if not levels.keys() >= {*HOUSEHOLD}:
        return "CAST(NULL AS DOUBLE)"
    return f"CASE WHEN {' AND '.join(_stands_at(levels[name], SAME, CLOSE) for name in HOUSEHOLD)} THEN {own} END"


def _stands_at(one: Comparison, *kinds: str) -> str:
    return f"gamma_{one.name} IN ({', '.join(map(str, one.at(*kinds)))})"


def _evidence(one: Comparison) -> str:
    """SQL: '"first":["letter",5.3]': at which level this comparison stands, and its weight in bits."""
    top = len(one.levels) - 1
    keys = " ".join(f"WHEN {top - place} THEN '{level.key}'" for place, level in enumerate(one.levels))
    weight = f"round(mw_{one.name} + mw_tf_adj_{one.name}, 1)"
    return f"""'"{one.name}":["' || CASE gamma_{one.name} {keys} ELSE 'unknown' END || '",' || {weight} || ']'"""


_ALL = """
read_csv({files}, header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', columns = {{
    'one': 'BIGINT', 'other': 'BIGINT', 'weight': 'DOUBLE', 'own': 'DOUBLE', 'sure': 'BOOLEAN', 'evidence': 'VARCHAR'
}})
"""
_FOUND = """
COPY (
    SELECT one, other, 1 / (1 + pow(2.0, -greatest(least(bits, 200), -200))) AS probability, bits AS weight, sure, evidence
    FROM (SELECT one, other, least(weight + {shift!r}, own + {home!r}) AS bits, sure, evidence FROM {scored})
    WHERE bits >= {least!r} ORDER BY one, other
) TO {target} (FORMAT csv, HEADER)
"""


def _finish(connection: Any, folder: Path, learned: model.Model, people: int, pairs: int, compared: list[str]) -> None:
    """Probabilities of all pairs, once the share of pairs that are one person's is known from all of them."""
    scored = _ALL.format(files=_quoted(folder / "pairs-*.csv"))
    bits = connection.execute(f"SELECT weight, coalesce(own, 'nan'::DOUBLE) AS own FROM {scored}").fetchnumpy()
    begun_with = learned["probability_two_random_records_match"]
    evidence, own = bits["weight"].astype(float) - model.odds(begun_with), bits["own"].astype(float)
    home = model.odds(model.household(own[~np.isnan(own)]))
    caps = np.where(np.isnan(own), np.inf, own + home)
    share = model.share_of_pairs(evidence, caps, begun_with, people * (people - 1) / 2)
    sorted_down = np.sort(model.probabilities(np.minimum(evidence + model.odds(share), caps)))[::-1]
    half = folder / "found.half"
    shift = model.odds(share) - model.odds(begun_with)
    connection.execute(
        _FOUND.format(shift=shift, scored=scored, home=home, least=model.odds(LEAST), target=_quoted(half))
    )
    half.rename(folder / "found.csv")
    outcome = {
        "people": people, "pairs": pairs, "share": share, "one_at_home": 1 / (1 + 2**-home), "compared": compared,
        "learned_from": {name: round(number) for name, number in learned["examples"].items()},
        "curve": curve(sorted_down),
    }  # fmt: skip
    _write(folder / "outcome.json", outcome)


def curve(probabilities: np.ndarray) -> list[tuple[float, int, float]]:
    """(threshold, pairs above it, estimated share of them that are one person's) for each of THRESHOLDS; the estimate is
    the mean of their probabilities, as in Splink. `probabilities` in falling order."""
    sums = np.concatenate([[0.0], np.cumsum(probabilities)])
    answer = []
    for threshold in THRESHOLDS:
        number = int(np.searchsorted(-probabilities, -threshold, side="right"))
        answer.append((threshold, number, float(sums[number] / number) if number else 1.0))
    return answer


def _quoted(path: Path) -> str:
    """A path as SQL's text."""
    return "'" + str(path).replace("'", "''") + "'"


def _write(path: Path, value: object) -> None:
    half = path.with_suffix(".half")
    half.write_text(json.dumps(value))
    half.rename(path)


def _tell(done: int, total: int, detail: str) -> None:
    print(json.dumps({"done": done, "total": total, "detail": detail}), flush=True)


def _die_with_parent() -> None:
    """A worker that is killed leaves no engine behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() == 1:
            sys.exit(MORE)


if __name__ == "__main__":
    sys.exit(main())
