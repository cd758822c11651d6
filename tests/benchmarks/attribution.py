"""The attribution models on a million journeys, how far they are from a known truth, and Markov beside the ChannelAttribution
package on the same paths.

`make bench ARGS="attribution"`: no database. Each part runs in a process of its own, so that its memory can be told. The package
is only compared with (`pip install .[bench]`; it compiles C++); where it is missing, its figures are. It simulates walks until
its answers change by less than 1 %, so both agree within a percent or two where a channel is met often, never exactly.
"""

import csv
import gzip
import importlib.util
import io
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from campaigns.attribution.models import MODELS, compute_all, removal_effects
from campaigns.attribution.values import MILLIONTH, TYPES, Journeys, Touch
from tests.benchmarks import truth

JOURNEYS, CHANNELS, LONGEST = 1_000_000, 12, 40
DAY = 86_400
PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "channel_paths" / "path_data.csv.gz"
# (path, conversions, value, journeys that led nowhere)
Table = list[tuple[tuple[int, ...], int, float, int]]


def run() -> dict[str, object]:
    found: dict[str, object] = _child("models") | _child("truth")
    if importlib.util.find_spec("ChannelAttribution"):
        found |= _child("beside")
    else:
        found["ChannelAttribution"] = "not installed: pip install .[bench]"
    return found


def models() -> dict[str, object]:
    """Seconds a model (the best of three), and the greatest memory of a process that has the journeys and computes all."""
    journeys = simulated()
    before = _memory()
    axis = journeys.channel
    found: dict[str, object] = {"journeys": len(journeys), "touches": len(axis), "channels": CHANNELS}
    for model in MODELS:
        found[f"{model.name}, s"] = _best(partial(model.compute, journeys, axis, CHANNELS))
    return found | {
        "all models, with the check that they add up, s": _best(partial(compute_all, journeys, axis, CHANNELS)),
        "greatest memory of the process, MB": _memory(),
        "… when it had simulated the journeys, MB": before,
    }


def beside() -> dict[str, object]:
    """Markov of order 1, ours and the package's, on one table of paths after the other, in this one run."""
    found: dict[str, object] = {}
    for name, table in (("simulated", paths(simulated())), ("published", published())):
        if not table:
            continue
        journeys = rows(table)
        count = 1 + max(max(path) for path, *_ in table)
        ours = removal_effects(journeys, journeys.channel, count)
        took = _best(partial(removal_effects, journeys, journeys.channel, count))
        theirs, their_seconds = _package(table, count)
        # What conversions are shared out by. Small channels are simulated too rarely to be compared.
        share, their_share = ours / ours.sum(), theirs / theirs.sum()
        large = share >= 0.05
        found |= {
            f"{name}: distinct paths / journeys": f"{len(table)} / {sum(one + none for _, one, _, none in table)}",
            f"{name}: removal effects, ours / ChannelAttribution's, s": f"{took:.3f} / {their_seconds:.1f}",
            f"{name}: greatest difference of a removal effect": round(float(np.abs(ours - theirs).max()), 4),
            f"{name}: greatest difference of a channel's conversions, of all conversions": round(
                float(np.abs(share - their_share).max()), 4
            ),
            f"{name}: … of its own, of channels with 5 % or more": round(
                float(np.abs(their_share / share - 1)[large].max()), 4
            ),
        }
    return found


def _package(table: Table, count: int) -> tuple[np.ndarray, float]:
    import pandas as pd
    from ChannelAttribution import markov_model

    frame = pd.DataFrame({
        "path": [" > ".join(f"c{place}" for place in path) for path, *_ in table],
        "conversions": [conversions for _, conversions, _, _ in table],
        "value": [value for _, _, value, _ in table],
        "nothing": [nothing for *_, nothing in table],
    })  # fmt: skip
    started = time.perf_counter()
    answer = markov_model(
        frame, "path", "conversions", var_value="value", var_null="nothing", out_more=True, conv_par=0.01, seed=1,
        verbose=False, flg_pro=False,
    )  # fmt: skip
    took = time.perf_counter() - started
    effects = answer["removal_effects"]
    found = np.zeros(count)
    for name, effect in zip(effects["channel_name"], effects["removal_effects_conversion"], strict=True):
        found[int(name.removeprefix("c"))] = effect
    return found, took


def simulated(number: int = JOURNEYS, channels: int = CHANNELS, seed: int = 5) -> Journeys:
    """Journeys of four touches on average: channels of unequal size, often the same twice, some of which go before a
    conversion more than others."""
    dice = np.random.default_rng(seed)
    lengths = np.minimum(dice.geometric(0.25, number), LONGEST).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    touches = int(starts[-1])
    size = dice.dirichlet(np.full(channels, 2.0))
    pull = dice.uniform(0, 0.12, channels)
    channel = dice.choice(channels, touches, p=size).astype(np.int16)
    again = dice.random(touches, np.float32) < 0.3
    again[starts[:-1]] = False
    # A run of repeats has the channel that it began with.
    channel = channel[np.maximum.accumulate(np.where(again, 0, np.arange(touches)))]
    chance = 0.02 + np.add.reduceat(pull[channel], starts[:-1])
    converted = dice.random(number) < chance
    age = np.repeat(lengths, lengths) - (np.arange(touches) - np.repeat(starts[:-1], lengths))
    columns = {name: np.zeros(number, kind) for name, kind in TYPES.items()}
    columns |= {
        "profile": np.arange(number),
        "converted": converted,
        "value": np.where(converted, dice.integers(5, 200, number) * MILLIONTH, 0),
        "weight": np.ones(number, np.int64),
        "channel": channel,
        "campaign": channel.astype(np.int32),
        "age": (age * DAY * 2).astype(np.int32),
        "kind": np.full(touches, Touch.CLICK, np.int8),
    }
    return Journeys(starts, **columns, direct=0)


def paths(journeys: Journeys) -> Table:
    """The same as a table of distinct paths."""
    found: dict[bytes, list[float]] = defaultdict(lambda: [0, 0.0, 0])
    for place, (start, end) in enumerate(zip(journeys.starts[:-1].tolist(), journeys.starts[1:].tolist(), strict=True)):
        row = found[journeys.channel[start:end].tobytes()]
        row[0 if journeys.converted[place] else 2] += 1
        row[1] += float(journeys.value[place]) / MILLIONTH
    return [
        (tuple(np.frombuffer(path, np.int16).tolist()), int(one), value, int(none))
        for path, (one, value, none) in found.items()
    ]


def published() -> Table:
    """The ChannelAttribution project's own example: `channel_paths` in ../shared/data."""
    if not PUBLISHED.exists():
        return []
    with gzip.open(PUBLISHED, "rb") as raw:
        table = list(csv.DictReader(io.TextIOWrapper(raw, "utf-8"), delimiter=";"))
    names = sorted({name for row in table for name in row["path"].split(" > ")})
    places = {name: place for place, name in enumerate(names)}
    return [
        (tuple(places[name] for name in row["path"].split(" > ")), int(row["total_conversions"]),
         float(row["total_conversion_value"]), int(row["total_null"]))
        for row in table
    ]  # fmt: skip


def rows(table: Table) -> Journeys:
    """A table of paths as journeys that stand for several."""
    some = [(path, True, value, one) for path, one, value, _ in table if one]
    some += [(path, False, 0.0, none) for path, _, _, none in table if none]
    lengths = [len(path) for path, *_ in some]
    columns = {name: np.zeros(len(some), kind) for name, kind in TYPES.items()}
    columns |= {
        "converted": np.array([row[1] for row in some]),
        "value": np.array([round(row[2] * MILLIONTH) for row in some]),
        "weight": np.array([row[3] for row in some]),
        "channel": np.array([place for row in some for place in row[0]], np.int16),
    }
    for name in ("campaign", "age", "kind"):
        columns[name] = np.zeros(sum(lengths), TYPES[name])
    return Journeys(np.concatenate([[0], np.cumsum(lengths)]), **columns)


def _child(part: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.attribution", part], check=True, capture_output=True, text=True
    )
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def _best(work: Callable[[], object]) -> float:
    took = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return round(min(took), 3)


def _memory() -> int:
    """Greatest so far of this process, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    print(json.dumps({"models": models, "beside": beside, "truth": truth.run}[sys.argv[1]]()))
