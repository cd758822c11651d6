"""Identity: all people made anew from the evidence, 1 M profiles and 3 M links, after other rules.

The stored people follow a first set of rules: families of two user ids at one address (20,000 links that a limit
refuses), 200 kiosks of 30 people each, half of them shared. Then the limits of e-mails, phones and of what a device may
be seen with change, and 1,000 pairs are cut apart: some 30,000 people part or join. Measured is the command, in a process
of its own. The grouping alone is held against SciPy's connected components of the same arrays, in one run.
"""

import json
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cdp_site import sql
from cdp_site.checks import one_view
from cdp_site.ids import new_ids
from cdp_site.postgres import BASE_DIR
from profiles import events, identity, picture
from profiles.grouping import TAKEN, Evidence, Grouping, group
from profiles.identifiers import ANONYMOUS, DEVICE, EMAIL, PHONE, RECORD, USER, terms_of
from profiles.models import IdentifierKind

BEFORE = {EMAIL: {"limit_per_profile": 5}, PHONE: {"limit_per_profile": 1}, DEVICE: {"shared_above": 25}}
AFTER = {EMAIL: {"limit_per_profile": 1}, PHONE: {"limit_per_profile": 5}, DEVICE: {"shared_above": 4}}
# How many of a hundred people have one.
SHARES = {USER: 60, EMAIL: 60, PHONE: 40, DEVICE: 70, ANONYMOUS: 100, RECORD: 20}
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1_000_000)
DAY = 86_400_000_000
ROWS = 200_000


def world(people: int, links: int, seed: int = 1) -> tuple[Evidence, np.ndarray, np.ndarray]:
    """Evidence about so many people; whom each identifier was made for; pairs that are to be cut apart."""
    rnd = np.random.default_rng(seed)
    kinds, owners = [], []
    for kind, share in [*SHARES.items(), (ANONYMOUS, 50), (EMAIL, 2)]:
        who = np.flatnonzero(rnd.random(people) < share / 100)
        kinds.append(np.full(len(who), kind))
        owners.append(who)
    kind, owner = np.concatenate(kinds), np.concatenate(owners)
    order = np.argsort(kind, kind="stable")
    kind, owner = kind[order], owner[order]
    line = np.lexsort((np.arange(len(kind)), owner))
    firsts = line[np.searchsorted(owner[line], np.arange(people))]
    others = np.setdiff1d(np.arange(len(kind)), firsts)
    one, other = [firsts[owner[others]]], [others]

    def link(these: np.ndarray, those: np.ndarray) -> None:
        one.append(these)
        other.append(those)

    users, emails = np.flatnonzero(kind == USER), np.flatnonzero(kind == EMAIL)
    devices, phones = np.flatnonzero(kind == DEVICE), np.flatnonzero(kind == PHONE)
    link(rnd.choice(users, people // 50), rnd.choice(emails, people // 50, replace=False))
    kiosks = rnd.choice(devices, people // 5_000, replace=False)
    for half, seen in ((kiosks[::2], 30), (kiosks[1::2], 20)):
        link(rnd.choice(users, len(half) * seen), np.repeat(half, seen))
    pairs = rnd.choice(phones, (people // 200, 2), replace=False)
    link(*pairs.T)
    line = others[np.argsort(owner[others], kind="stable")]
    beside = np.flatnonzero(owner[line[1:]] == owner[line[:-1]])
    more = links - sum(map(len, one))
    link(line[beside[: max(more, 0)]], line[beside[: max(more, 0)] + 1])
    ends = np.sort(np.stack([np.concatenate(one), np.concatenate(other)]), axis=0)
    ends = np.unique(ends[:, ends[0] != ends[1]], axis=1)
    first = START + rnd.integers(0, 100 * DAY, ends.shape[1])
    last = first + rnd.integers(0, 100 * DAY, ends.shape[1])
    none, no = np.empty((0, 2), np.int64), np.zeros(ends.shape[1], bool)
    evidence = Evidence(kind, ends[0], ends[1], first, last, no, none, np.zeros(len(kind), bool))
    return evidence, owner, ends[:, rnd.choice(ends.shape[1], people // 1_000, replace=False)].T


def store(evidence: Evidence, owner: np.ndarray, found: Grouping) -> None:
    """The people that the evidence makes under the first rules, a message of each, and the evidence itself."""
    names = np.unique(found.groups)
    ids = np.array(new_ids(len(names)))
    homes = ids[np.searchsorted(names, found.groups)]
    at = datetime.fromtimestamp(START / 1_000_000, UTC)
    events.make_months([at.replace(day=1)])
    day = at.isoformat()
    with sql.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS identifier_value_trigrams")
        cursor.execute(
            "TRUNCATE profile, identifier, identity_link, identity_cut, event, message, changed_profile, rebuild"
        )
    name = events.name_ids({("track", "Visited")})["track", "Visited"]
    _copy("profile", ["id", "first_seen", "last_seen", "identified", "contested", "name", "email", "phone", "traits"],
          f"%d\t{day}\t{day}\tt\tt\t\t\t\t{{}}\n", ids)  # fmt: skip
    _copy("identifier", ["kind_id", "value", "profile_id", "shared", "disputed", "blocked", "first_seen"],
          f"%d\tid-%d\t%d\t%d\t%d\tf\t{day}\n", evidence.kinds, np.arange(len(homes)), homes, found.shared,
          found.disputed)  # fmt: skip
    stamps = [np.datetime_as_string(times.astype("M8[us]"), unit="s") for times in (evidence.first, evidence.last)]
    columns = [
        "kind_id",
        "value",
        "other_kind_id",
        "other_value",
        "source_id",
        "stated",
        "by_hand",
        "first",
        "last",
        "verdict",
    ]
    _copy("identity_link", columns,
          "%d\tid-%d\t%d\tid-%d\t1\tf\tf\t%s+00\t%s+00\t%d\n", evidence.kinds[evidence.one], evidence.one,
          evidence.kinds[evidence.other], evidence.other, *stamps, found.verdicts)  # fmt: skip
    # Whoever was made for several e-mails has a message with each; everybody has one with his strongest.
    told = np.union1d(names, np.flatnonzero(evidence.kinds == EMAIL))
    _copy("event", ["profile_id", "time", "id", "source_id", "name_id", "message_key", "identifiers"],
          f'%d\t{day}\t%d\t1\t{name}\t%032x\t[[%d,"id-%d"]]\n', homes[told], np.array(new_ids(len(told))), told,
          evidence.kinds[told], told)  # fmt: skip
    with sql.cursor() as cursor:
        cursor.execute("CREATE INDEX identifier_value_trigrams ON identifier USING gin (value gin_trgm_ops)")
        cursor.execute("ANALYZE")


def _copy(table: str, columns: list[str], line: str, *values: np.ndarray) -> None:
    for start in range(0, len(values[0]), ROWS):
        rows = zip(*(column[start : start + ROWS].tolist() for column in values), strict=True)
        sql.copy_text(table, columns, "".join(line % row for row in rows).encode())


def follow(rules: dict[int, dict[str, int]]) -> None:
    for kind, fields in rules.items():
        IdentifierKind.objects.filter(id=kind).update(**fields)


def command(*options: str) -> dict[str, Any]:
    """What the command says, run in a process of its own."""
    answer = subprocess.run(
        [sys.executable, BASE_DIR / "manage.py", "rebuild_identity", "--json", *options],
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def grouping_alone() -> tuple[float, float]:
    """Seconds that the grouping takes, and SciPy's connected components, of the same arrays: the best of three."""
    kinds = identity.load_kinds()
    with one_view():
        evidence = picture.take(kinds).evidence
    terms, size = terms_of(kinds), len(evidence.kinds)
    mine, scipys = [], []
    for _ in range(3):
        started = time.perf_counter()
        links = coo_array((np.ones(len(evidence.one), np.int8), (evidence.one, evidence.other)), shape=(size, size))
        connected_components(links, directed=False)
        scipys.append(time.perf_counter() - started)
        started = time.perf_counter()
        group(evidence, terms)
        mine.append(time.perf_counter() - started)
    return min(mine), min(scipys)


def run(people: int = 1_000_000, links: int = 3_000_000) -> dict[str, object]:
    """Figures: the whole command, the grouping alone, and the greatest memory of the command's process."""
    follow(BEFORE)
    evidence, owner, cuts = world(people, links)
    found = group(evidence, terms_of(identity.load_kinds()))
    store(evidence, owner, found)
    refused = int((found.verdicts != TAKEN).sum())
    follow(AFTER)
    sql.copy_rows(
        "identity_cut",
        ["kind_id", "value", "other_kind_id", "other_value", "at", "by", "reason"],
        [
            (
                int(evidence.kinds[one]),
                f"id-{one}",
                int(evidence.kinds[other]),
                f"id-{other}",
                datetime.now(UTC),
                "",
                "",
            )
            for one, other in cuts.tolist()
        ],
    )
    mine, scipys = grouping_alone()
    dry = command("--dry-run")
    made = command()
    again = command()
    return {
        "profiles": made["profiles_before"],
        "links (of which refused before)": f"{len(evidence.one):,} ({refused:,})",
        "SciPy's connected components, s": round(scipys, 2),
        "grouping, s": round(mine, 2),
        "grouping / connected components": round(mine / scipys, 2),
        "dry run, s (joined, parted)": f"{dry['seconds']} ({dry['joined']:,}, {dry['parted']:,})",
        "rebuild, s (joined, parted)": f"{made['seconds']} ({made['joined']:,}, {made['parted']:,})",
        "once more, nothing differs, s": again["seconds"],
        "profiles after": made["profiles_after"],
        "greatest memory of the command, MB": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
    }
