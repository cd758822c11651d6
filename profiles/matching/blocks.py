"""Which pairs are looked at: those that have one of these keys in common, as long as not too many people have it.

Comparing everybody with everybody would be half a billion pairs for 30,000 people. A key that is common (a frequent last
name) is left out from its most frequent values down until its pairs fit the budget; the pairs that are lost so have other
keys in common. So the same rules are loose for a small company, bounded for a large one.
"""

from typing import Any

# In DuckDB's SQL, of one person's columns.
KEYS = (
    "first",
    "last",
    "birth",
    "postcode",
    "city",
    "street",
    "split_part(mail, '@', 1)",
    "left(split_part(mail, '@', 1), 5) || split_part(mail, '@', 2)",
    "right(phone, 6)",
    "left(phone, length(phone) - 4)",
    "first || last",
    "last || left(first, 1) || city",
    "last || left(first, 1) || left(postcode, 3)",
    "first || left(last, 1) || postcode",
    "last || birth",
    "left(birth, 6) || left(last, 1)",
    "substr(birth, 3) || left(first, 1)",
    "number || left(coalesce(last, first), 1)",
    "number || postcode",
)
# Pairs a key: what everybody costs, and a floor below which saving isn't worth a miss.
PAIRS_A_PERSON = 10
FEWEST_PAIRS = 500_000


def add(connection: Any, source: str, target: str) -> int:
    """Make `target` of `source` with a column for each key, NULL where it is too common; returns about how many pairs
    will be compared (some twice, by two keys)."""
    people = connection.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0]
    budget = max(FEWEST_PAIRS, PAIRS_A_PERSON * people)
    total = 0
    columns = []
    for place, key in enumerate(KEYS):
        sizes = connection.execute(
            f"SELECT size, count(*) * size * (size - 1) // 2 FROM (SELECT count(*) AS size FROM {source}"
            f" WHERE ({key}) IS NOT NULL GROUP BY {key}) WHERE size > 1 GROUP BY size ORDER BY size"
        ).fetchall()
        most = pairs = 0
        for size, made in sizes:
            if pairs + made > budget:
                break
            most, pairs = size, pairs + made
        total += pairs
        columns.append(
            f"CASE WHEN ({key}) IS NOT NULL AND count(*) OVER (PARTITION BY {key}) BETWEEN 2 AND {most}"
            f" THEN hash({key}) END AS block_{place}"
        )
    connection.execute(f"CREATE TABLE {target} AS SELECT *, {', '.join(columns)} FROM {source}")
    return total


def rules() -> list[str]:
    return [f"l.block_{place} = r.block_{place}" for place in range(len(KEYS))]
