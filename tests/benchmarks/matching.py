"""Matching: FEBRL's three sets of person records with known duplicates, through the product, beside two other ways.

Ours: the file as messages, through the inbox to people, compared as `manage.py match_people` does; a pair counts as found at
the default lower threshold (what a reviewer is shown), and at the upper (what may be joined by itself).
Exact match: first name, last name and birth date equal. Splink's own: the settings of its documented example for FEBRL 3
(docs/demos/examples/duckdb/febrl3 of moj-analytical-services/splink, as for version 5): its blocking rules, comparisons,
training and threshold of 0.2, once as documented, with soc_sec_id, and once without. We never use soc_sec_id: people don't
come with one. All in one run, on the same pairs of records.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from django.core.management import call_command

from cdp_site import sql, stages
from cdp_site.postgres import BASE_DIR
from connectors.models import Source
from profiles.identifiers import EXTERNAL
from profiles.matching import job
from profiles.models import MatchRun, MatchSettings, Suggestion
from tests.converters import febrl
from tests.converters.lines import encode

SHARED = BASE_DIR.parent / "shared" / "data" / "febrl"
Pairs = set[tuple[str, str]]


def run() -> dict[str, object]:
    figures: dict[str, object] = {}
    for number in (1, 2, 3):
        path = SHARED / f"dataset{number}.csv.gz"
        if not path.exists():
            figures[f"FEBRL {number}"] = "the data set is not at ../shared/data/febrl"
            continue
        records = list(febrl.records(path))
        true = febrl.true_pairs([one["rec_id"] for one in records])
        figures[f"FEBRL {number}, exact match"] = _told(_exact(records), true)
        for name, arguments in (
            ("Splink's documented settings", ["with"]),
            ("the same without soc_sec_id", ["without"]),
        ):
            figures[f"FEBRL {number}, {name}"] = _told(_splink(path, arguments), true)
        started = time.perf_counter()
        found, seconds = _ours(path)
        asks, joins = MatchSettings().asks_above, MatchSettings().joins_above
        figures[f"FEBRL {number}, ours, at {asks}"] = _told({pair for pair, p, _ in found if p >= asks}, true)
        sure = {pair for pair, p, sure in found if p >= joins and sure}
        figures[f"FEBRL {number}, ours, may join by itself ({joins})"] = _told(sure, true)
        curve = {at: share for at, _, share in MatchRun.objects.latest("id").outcome["curve"]}
        figures[f"FEBRL {number}, ours, precision as estimated at {asks}"] = round(curve[asks], 4)
        figures[f"FEBRL {number}, ours, comparing / all, s"] = f"{seconds:.1f} / {time.perf_counter() - started:.1f}"
    return figures


def _told(found: Pairs, true: Pairs) -> str:
    right = len(found & true)
    precision, recall = right / max(len(found), 1), right / len(true)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return f"F1 {f1:.4f}, precision {precision:.4f}, recall {recall:.4f}"


def _exact(records: list[dict[str, str]]) -> Pairs:
    found: dict[tuple[str, ...], list[str]] = {}
    for one in records:
        key = (one["given_name"], one["surname"], one["date_of_birth"])
        if all(key):
            found.setdefault(key, []).append(one["rec_id"])
    return {
        (low, high) for some in found.values() for low in some for high in some if low < high
    }  # fmt: skip


def _ours(path: Path) -> tuple[list[tuple[tuple[str, str], float, bool]], float]:
    """(pair of records, probability, may join by itself) of all suggestions; and how long the comparing took."""
    call_command("flush", interactive=False, verbosity=0)
    source = Source.objects.create(name="FEBRL")
    from profiles import inbox

    lines = [encode(message) for message in febrl.messages(path)]
    for start in range(0, len(lines), 500):
        inbox.store_lines(source.pk, lines[start : start + 500])
    stages.drain_all()
    started = time.perf_counter()
    job.ask("benchmark")
    while stages.attempt(job.match_some):
        pass
    seconds = time.perf_counter() - started
    query = "SELECT profile_id, value FROM identifier WHERE kind_id = %b"
    record = {profile: value.removeprefix("febrl:") for profile, value in sql.rows(query, (EXTERNAL,))}
    found = []
    for one in Suggestion.objects.iterator():
        low, high = sorted((record[one.profile_id], record[one.other_id]))
        found.append(((low, high), one.probability, one.sure))
    return found, seconds


def _splink(path: Path, arguments: list[str]) -> Pairs:
    """In a process of its own, as Splink is loaded nowhere else."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "pairs"
        command = [sys.executable, "-m", "tests.benchmarks.splink_documented", str(path), str(target), *arguments]
        subprocess.run(command, cwd=BASE_DIR, check=True, env=dict(os.environ), stdout=subprocess.DEVNULL)
        lines: list[Any] = target.read_text().split()
        return {(low, high) for low, high in (sorted(line.split(",")) for line in lines)}
