"""Splink's documented example for FEBRL 3, as it stands there: FILE TARGET with|without (soc_sec_id). Writes the found pairs.

Source: docs/demos/examples/duckdb/febrl3 in Splink's repository, as for version 5.
"""

import logging
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from tests.converters import febrl


def main(source: Path, target: Path, *, number: bool) -> None:
    rows = [{name: value or None for name, value in one.items()} for one in febrl.records(source)]
    db_api = DuckDBAPI(connection=duckdb.connect())
    comparisons: list[Any] = [
        cl.NameComparison("given_name"),
        cl.NameComparison("surname"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
    ]
    rules = [block_on(name) for name in ("given_name", "surname", "date_of_birth", "postcode")]
    certain: list[Any] = [
        block_on("given_name", "surname", "date_of_birth"),
        "l.given_name = r.surname and l.surname = r.given_name and l.date_of_birth = r.date_of_birth",
    ]
    if number:
        comparisons.insert(3, cl.DamerauLevenshteinAtThresholds("soc_sec_id", [2]))
        rules.insert(0, block_on("soc_sec_id"))
        certain.insert(0, block_on("soc_sec_id"))
    settings = SettingsCreator(
        unique_id_column_name="rec_id",
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=rules,
        comparisons=comparisons,
    )
    linker = Linker(db_api.register(pa.Table.from_pylist(rows)), settings, log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match(certain, recall=0.9)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=2)
    for name in ("date_of_birth", "postcode"):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(name))
    found = linker.inference.predict(threshold_match_probability=0.2).as_pyarrow_table()
    pairs = zip(found["rec_id_l"].to_pylist(), found["rec_id_r"].to_pylist(), strict=True)
    target.write_text("\n".join(f"{one},{other}" for one, other in pairs))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), number=sys.argv[3] == "with")
