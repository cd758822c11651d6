"""Which of the words on each trait of a person holds, as SQL: one statement for a batch, whatever mix of policies.

- *Newest*: the word that was said last, by whichever source; a trait that its newest source took back has no value.
- *First in order*: the newest of the words of the source that stands first; sources that aren't named stand last, and
  one that took its word back is passed over.
- *Frequent*: the value that most messages said; those of a source that has taken its word back don't count.

Each time the newer wins where two are equal, and the greater message key where they are of the same moment. So what holds
is a function of what was said, in whatever order it came.
"""

from typing import LiteralString

from profiles.policies import UNNAMED, Policies

_NEWEST = """
    SELECT DISTINCT ON (profile_id, name) profile_id, name, value, source_id, time, message_key, 0 AS rank, 0 AS times
    FROM trait_value WHERE {whose}
    ORDER BY profile_id, name, time DESC, message_key DESC
"""
# A word's rank is its source's place, 0 where only the time counts. What was counted stands before all words of its trait.
_BY_POLICY = """
    WITH policy AS (
        SELECT * FROM unnest(%(names)b::text[], %(first)b::boolean[], %(frequent)b::boolean[]) AS policy (name, first, frequent)
    ), place AS (
        SELECT * FROM unnest(%(place_names)b::text[], %(place_sources)b::bigint[], %(places)b::bigint[])
                      AS place (name, source_id, place)
    ), word AS (
        SELECT profile_id, trait_value.name, trait_value.source_id, value, time, message_key,
               coalesce(policy.frequent, false) AS frequent,
               CASE WHEN NOT coalesce(policy.first, %(others_first)b) THEN 0
                    WHEN value = 'null'::jsonb THEN {unnamed} + 1
                    ELSE coalesce(place.place, {unnamed}) END AS rank
        FROM trait_value LEFT JOIN policy ON policy.name = trait_value.name
        LEFT JOIN place ON place.name = coalesce(policy.name, '*') AND place.source_id = trait_value.source_id
        WHERE {whose}
    ), counted AS (
        SELECT DISTINCT ON (profile_id, name, value_key) profile_id, name, said.value, source_id, said.time, said.message_key,
               (sum(times) OVER (PARTITION BY profile_id, name, value_key))::bigint AS times
        FROM trait_count AS said JOIN word USING (profile_id, name, source_id)
        WHERE word.frequent AND word.value <> 'null'::jsonb AND said.value <> 'null'::jsonb
        ORDER BY profile_id, name, value_key, said.time DESC, said.message_key DESC
    )
    SELECT DISTINCT ON (profile_id, name) * FROM (
        SELECT profile_id, name, value, source_id, time, message_key, rank, 0 AS times FROM word
        UNION ALL
        SELECT profile_id, name, value, source_id, time, message_key, -1, times FROM counted
    ) AS candidate
    ORDER BY profile_id, name, rank, times DESC, time DESC, message_key DESC
"""
OF_PROFILES = "trait_value.profile_id = ANY(%(profiles)b::bigint[])"


def winners(policies: Policies, whose: LiteralString = OF_PROFILES) -> LiteralString:
    """A query for (profile_id, name, value, source_id, time, message_key, rank, times), a row a trait of each person.

    To be run with `policies.columns` and the parameters of `whose`. A value of null: none holds. `rank` is the place of
    the source in its order, -1 for what was counted; `times` how often it was said. While every trait goes by its newest
    word, which is so until somebody configures something, it is a plain look at the index.
    """
    return (_NEWEST if policies.only_newest else _BY_POLICY).format(whose=whose, unnamed=UNNAMED)
