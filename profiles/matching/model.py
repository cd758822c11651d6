"""The statistical model: Splink's Fellegi-Sunter, trained by expectation maximisation on the company's own people.

Only `profiles.matching.engine` imports this, in a process of its own. `people` is the DuckDB table of those who take part.

How it is trained, after Splink's documentation: u (how often strangers are alike) from random pairs; m (how often two
records of one person are) by EM, within blocks that agree on other things, several of them, so that each comparison is
learned where it doesn't hold by construction. What has few examples leans on `comparisons`' own experience.
"""

import logging
import math
from typing import Any

import numpy as np
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.internals.exceptions import EMTrainingException

from profiles.matching.blocks import rules
from profiles.matching.comparisons import COMPARISONS, Comparison

# A comparison takes part if so many people have it, of whom so many must differ.
FEWEST_WITH = 20
SMALLEST_SHARE = 0.02
FEWEST_VALUES = 5
RANDOM_PAIRS = 500_000
TRAINING_PAIRS = 300_000
# As much as so many examples of one person's records weighs what experience says of them.
EXPERIENCE = 20
SEED = 1
# Enough to converge where there is something to learn; where there isn't, more would only drive probabilities to nothing.
ROUNDS = 12
# Within pairs that agree on these: a training session each, where there are pairs enough. Never on what a household has in
# common (last name and address, the family's e-mail): EM would take families for people, and learn of one person's records
# that their first names and birth dates mostly differ.
_SESSIONS = (("birth",), ("first", "last"), ("first", "postcode"), ("first", "street"))
_FEWEST_IN_SESSION = 10
# Hardly anybody else but the same person: with them begins the estimate of how many pairs are one person.
_CERTAIN = (("first", "last", "birth"), ("first", "last", "street"), ("birth", "street"), ("last", "birth", "postcode"))
_CERTAIN_RECALL = 0.8

logging.getLogger("splink").setLevel(logging.ERROR)

Model = dict[str, Any]


def active(connection: Any, people: str) -> list[Comparison]:
    """The comparisons that these people can be compared by."""
    names = [one.name for one in COMPARISONS]
    counts = connection.execute(
        f"SELECT count(*), {', '.join(f'count({name}), count(DISTINCT {name})' for name in names)} FROM {people}"
    ).fetchall()[0]
    fewest = max(FEWEST_WITH, SMALLEST_SHARE * counts[0])
    return [
        one
        for place, one in enumerate(COMPARISONS)
        if counts[1 + 2 * place] >= fewest and counts[2 + 2 * place] >= FEWEST_VALUES
    ]


def train(connection: Any, people: str, comparisons: list[Comparison]) -> Model:
    """The model as Splink's settings, with all of its parameters. Cost: seconds, whatever the number of people, after
    one pass for the frequencies of values."""
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="id",
        comparisons=[_creator(one) for one in comparisons],
        blocking_rules_to_generate_predictions=rules(),  # type: ignore[arg-type]
        em_convergence=0.001,
        max_iterations=ROUNDS,
        retain_matching_columns=True,
        retain_intermediate_calculation_columns=True,
    )
    linker = _linker(connection, people, settings)
    names = {one.name for one in comparisons}
    _estimate_share(linker, [rule for rule in _CERTAIN if names.issuperset(rule)])
    linker.training.estimate_u_using_random_sampling(
        max_pairs=RANDOM_PAIRS, seed=SEED, min_count_per_level=None, num_chunks=2
    )
    examples = dict.fromkeys(names, 0.0)
    for rule in _SESSIONS:
        if names.issuperset(rule) and len(names) > len(rule):
            _learn(linker, connection, people, rule, examples)
    return _completed(linker.misc.save_model_to_json(), comparisons, examples, _total(connection, people))


def _creator(one: Comparison) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"sql_condition": one.missing, "label_for_charts": "unknown", "is_null_level": True}
    ]
    for level in one.levels:
        given: dict[str, Any] = {"sql_condition": level.sql, "label_for_charts": level.key, "m_probability": level.m}
        if level.key == "same":
            # A rare name in common says more than a frequent one.
            given["tf_adjustment_column"] = one.name
        levels.append(given)
    return {"output_column_name": one.name, "comparison_levels": levels}


def _linker(connection: Any, people: str, settings: Any) -> Linker:
    return Linker(DuckDBAPI(connection=connection).register(people), settings, log_level=logging.ERROR)


def _total(connection: Any, people: str) -> float:
    number = connection.execute(f"SELECT count(*) FROM {people}").fetchall()[0][0]
    return float(number * (number - 1) / 2)


def _estimate_share(linker: Linker, certain: list[tuple[str, ...]]) -> None:
    if certain:
        linker.training.estimate_probability_two_random_records_match(
            [block_on(*rule) for rule in certain], recall=_CERTAIN_RECALL
        )


def _learn(linker: Linker, connection: Any, people: str, rule: tuple[str, ...], examples: dict[str, float]) -> None:
    """One session of EM; adds up from how many examples each comparison was learned."""
    pairs = _pairs(connection, people, rule)
    if pairs < _FEWEST_IN_SESSION:
        return
    # A session takes its comparisons out of the linker's settings, and puts them back only when it succeeds.
    before = linker._settings_obj.core_model_settings.copy()
    try:
        session = linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*rule), max_pairs=TRAINING_PAIRS, estimate_without_term_frequencies=True
        )
    except (EMTrainingException, ValueError):
        # Nothing to learn here: no pair is left, or a level's probability came to nothing. Other sessions go on.
        linker._settings_obj.core_model_settings = before
        return
    found = min(pairs, TRAINING_PAIRS) * session.core_model_settings.probability_two_random_records_match
    for name in examples.keys() - set(rule):
        examples[name] += found


def _pairs(connection: Any, people: str, rule: tuple[str, ...]) -> int:
    """How many pairs agree on all of these columns."""
    found = connection.execute(
        f"SELECT coalesce(sum(size * (size - 1) // 2), 0) FROM (SELECT count(*) AS size FROM {people}"
        f" WHERE {' AND '.join(f'{key} IS NOT NULL' for key in rule)} GROUP BY {', '.join(rule)})"
    ).fetchall()[0][0]
    return int(found)


def _completed(model: Model, comparisons: list[Comparison], examples: dict[str, float], total: float) -> Model:
    """The model without holes: m leaning on experience where there were few examples, u never zero."""
    rarest = 0.5 / min(max(total, 1.0), RANDOM_PAIRS)
    for comparison, learned in zip(comparisons, model["comparisons"], strict=True):
        levels = [level for level in learned["comparison_levels"] if not level.get("is_null_level")]
        number = examples[comparison.name]
        for known, level in zip(comparison.levels, levels, strict=True):
            m = _number(level.get("m_probability"), known.m if not number else 0.0)
            level["m_probability"] = (m * number + known.m * EXPERIENCE) / (number + EXPERIENCE)
            level["u_probability"] = max(_number(level.get("u_probability"), rarest), rarest)
        for what in ("m_probability", "u_probability"):
            whole = sum(level[what] for level in levels)
            for level in levels:
                level[what] /= whole
    share = _number(model.get("probability_two_random_records_match"), 0.0)
    model["probability_two_random_records_match"] = min(max(share, 1 / max(total, 2.0)), 0.5)
    model["examples"] = examples
    return model


def _number(value: Any, otherwise: float) -> float:
    """Splink has a text where a level was never seen."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else otherwise


def scorer(connection: Any, people: str, model: Model) -> Linker:
    return _linker(connection, people, {name: value for name, value in model.items() if name != "examples"})


def share_of_pairs(evidence: np.ndarray, caps: np.ndarray, begun_with: float, total: float, rounds: int = 100) -> float:
    """How many of all pairs are one person's, from those that were compared: the share at which it is the mean of the
    probabilities that follow from it (the M step of EM, for this one parameter).

    `evidence`: bits without the share; `caps`: bits that a pair has at most, whatever the share.
    """
    share = begun_with
    for _ in range(rounds):
        expected = float(probabilities(np.minimum(evidence + odds(share), caps)).sum()) / total
        before, share = share, min(max(expected, 1 / max(total, 2.0) / 100), 0.5)
        if abs(share - before) < 1e-6 * before:
            break
    return share


def household(own: np.ndarray, rounds: int = 100) -> float:
    """Of pairs with one last name at one address, the share that is one person's, from the bits of what is their own.

    Splink takes comparisons for independent. Last name, street, city and postcode aren't: couples and children have all
    of them in common, and would look like one person with another first name. So what such a pair has in common at home
    counts for no more than this share says, found by EM as well (with one pair of each sort seen beforehand).
    """
    share = 0.5
    for _ in range(rounds):
        before, share = share, float((probabilities(own + odds(share)).sum() + 1) / (len(own) + 2))
        if abs(share - before) < 1e-6:
            break
    return share


def odds(share: float) -> float:
    """In bits."""
    return math.log2(share / (1 - share))


def probabilities(weights: np.ndarray) -> np.ndarray:
    """Of weights in bits."""
    return 1 / (1 + np.exp2(-np.clip(weights, -200, 200)))
