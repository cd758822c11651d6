"""What must hold of people and evidence, asked of the live database. Full passes: some seconds a million events."""

from collections.abc import Iterator
from uuid import UUID

import numpy as np

from cdp_site import sql
from cdp_site.arrays import int2s, int8s, texts
from cdp_site.checks import check
from profiles import counts, picture, policies
from profiles.component import columns
from profiles.gather import LOOK_UP
from profiles.identity import load_kinds
from profiles.models import Rebuild
from profiles.winners import winners

_ACCOUNT = """
SELECT coalesce(sum(messages), 0), coalesce(sum(stored), 0), coalesce(sum(duplicates), 0), coalesce(sum(rejected), 0)
FROM drain_batch
"""


@check("messages received = stored + duplicates + rejected + pending")
def account_adds_up() -> Iterator[str]:
    messages, stored, duplicates, rejected = sql.rows(_ACCOUNT)[0]
    if messages != stored + duplicates + rejected:
        yield (
            f"{messages:,} messages left the inbox, but {stored:,} were stored, {duplicates:,} were duplicates and"
            f" {rejected:,} rejected: {messages - stored - duplicates - rejected:+,} unaccounted for"
        )
    for source, taken, accounted in sql.rows(
        """
        SELECT worked.source_id, worked.messages, coalesce(account.messages, 0)
        FROM (SELECT source_id, sum(messages) AS messages FROM inbox WHERE done_at IS NOT NULL GROUP BY source_id) AS worked
        LEFT JOIN (SELECT source_id, sum(messages) AS messages FROM drain_batch GROUP BY source_id) AS account
          USING (source_id)
        WHERE worked.messages > coalesce(account.messages, 0)
        """
    ):
        yield f"source {source}: {taken:,} messages are marked as worked off, {accounted:,} are accounted for"


@check("each stored message is one event")
def one_event_a_message() -> Iterator[str]:
    stored = sql.rows(_ACCOUNT)[0][1]
    events, keys = sql.rows("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM message)")[0]
    if not stored == events == keys:
        yield f"{stored:,} messages were stored, {events:,} events and {keys:,} keys are there"
    twice = sql.rows("SELECT count(*) FROM (SELECT FROM event GROUP BY message_key HAVING count(*) > 1) AS twice")[0][0]
    if twice:
        yield f"{twice:,} messages are stored more than once"
    lost = sql.rows(
        "SELECT count(*) FROM message LEFT JOIN event ON event.message_key = message.key AND event.id = message.event_id"
        " WHERE event.id IS NULL"
    )[0][0]
    if lost:
        yield f"{lost:,} messages are known as stored, but their events aren't there"


@check("every profile is reached by its identifiers")
def identifiers_reach_people() -> Iterator[str]:
    for text, query in {
        "identifiers lead to no living profile": "SELECT count(*) FROM identifier AS one"
        " WHERE profile_id IS NOT NULL AND NOT EXISTS (SELECT FROM profile WHERE profile.id = one.profile_id)",
        "profiles have no identifier that leads to them": "SELECT count(*) FROM profile AS one WHERE NOT EXISTS"
        " (SELECT FROM identifier WHERE identifier.profile_id = one.id)",
        "redirects lead to no living profile": "SELECT count(*) FROM profile_redirect AS one WHERE NOT EXISTS"
        " (SELECT FROM profile WHERE profile.id = one.profile_id)",
        "living profiles are redirected": "SELECT count(*) FROM profile JOIN profile_redirect USING (id)",
    }.items():
        if number := sql.rows(query)[0][0]:  # type: ignore[arg-type]
            yield f"{number:,} {text}"


@check("events, records and traits are on living people")
def nothing_is_orphaned() -> Iterator[str]:
    for what, table in (
        ("events", "event"),
        ("records", "record"),
        ("trait values", "trait_value"),
        ("counts", "trait_count"),
    ):
        query = (
            f"SELECT count(*) FROM (SELECT DISTINCT profile_id FROM {table}) AS one"
            " WHERE NOT EXISTS (SELECT FROM profile WHERE profile.id = one.profile_id)"
        )
        if number := sql.rows(query)[0][0]:  # type: ignore[arg-type]
            yield f"{number:,} people who aren't there have {what}"


_NOT_AT_HOME = """
WITH told AS MATERIALIZED (
    SELECT profile_id, identifiers, count(*) AS events FROM event GROUP BY profile_id, identifiers
)
SELECT coalesce(sum(events), 0) FROM told
LEFT JOIN LATERAL (
    SELECT identifier.profile_id FROM jsonb_array_elements(identifiers) WITH ORDINALITY AS named (pair, place)
    JOIN identifier ON identifier.kind_id = (pair ->> 0)::smallint AND identifier.value = pair ->> 1
    ORDER BY identifier.shared OR identifier.disputed, place LIMIT 1
) AS home ON true
WHERE home.profile_id IS DISTINCT FROM told.profile_id
"""


@check("each event is on the person that its strongest identifier leads to")
def events_are_at_home() -> Iterator[str]:
    """Shared and disputed identifiers lead to nobody, unless there is no other."""
    number = sql.rows(_NOT_AT_HOME)[0][0]
    if number:
        yield f"{number:,} events are on another person, or their identifier is unknown"


_DECIDED = """
WITH winner AS ({winners}), decided AS (
    SELECT profile_id, jsonb_object_agg(name, value) AS traits FROM winner
    WHERE value <> 'null'::jsonb GROUP BY profile_id
)
SELECT count(*) FROM profile LEFT JOIN decided ON decided.profile_id = profile.id
WHERE profile.traits <> coalesce(decided.traits, '{{}}')
  AND profile.id <= coalesce((SELECT min(through) FROM trait_policy), profile.id)
"""


@check("each person's traits are the words that their policies choose")
def traits_are_decided() -> Iterator[str]:
    """While everybody is decided anew after a change of policy: of those whose turn it has been."""
    rules = policies.read()
    number = sql.rows(_DECIDED.format(winners=winners(rules, "true")), rules.columns)[0][0]
    if number:
        yield f"{number:,} people show traits that aren't the words their policies choose"


# People of whom something is counted, spread over all: profile ids are time-ordered.
_SAMPLE = """
SELECT profile_id FROM (SELECT DISTINCT profile_id FROM trait_count WHERE name = ANY(%b::text[])) AS counted
ORDER BY hashint8(profile_id) LIMIT %b
"""
_COUNTS = """
SELECT profile_id, name, source_id, value_key::text, times FROM trait_count
WHERE profile_id = ANY(%b::bigint[]) AND name = ANY(%b::text[])
"""
# Of a trait that everybody was counted for.
_UNCOUNTED = """
SELECT count(*) FROM (SELECT DISTINCT profile_id, name FROM trait_value WHERE name = ANY(%b::text[])) AS word
WHERE NOT EXISTS (SELECT FROM trait_count AS said WHERE said.profile_id = word.profile_id AND said.name = word.name)
"""
COUNTED_AGAIN = 500  # people


@check("values are counted as often as messages said them")
def counts_are_right() -> Iterator[str]:
    """Everybody must have been counted; of some hundred people what was counted is held against their events."""
    rules = policies.read()
    names = sorted(rules.frequent - {*rules.counting})
    if not names:
        return
    if number := sql.rows(_UNCOUNTED, (texts(names),))[0][0]:
        yield f"{number:,} traits of people go by what is said most often, and were not counted"
    people = [profile for (profile,) in sql.rows(_SAMPLE, (texts(names), COUNTED_AGAIN))]
    kept = {
        (profile, name, source, UUID(key).bytes): times
        for profile, name, source, key, times in sql.rows(_COUNTS, (int8s(people), texts(names)))
    }
    told = counts.counted(people, names).times()
    if wrong := sum(kept.get(slot) != told.get(slot) for slot in kept.keys() | told.keys()):
        yield f"{wrong:,} counts of values differ from what the events of {len(people):,} people say"


_CUTS = """
SELECT kind_id, value, other_kind_id, other_value FROM identity_cut
WHERE kind_id = ANY(%(merging)b::smallint[]) AND other_kind_id = ANY(%(merging)b::smallint[])
"""


@check("who was cut apart by hand is two people")
def cuts_hold() -> Iterator[str]:
    """Between identifiers that may join; what only attaches or suggests goes with others' evidence."""
    merges = [id for id, kind in load_kinds().items() if kind.merges]
    cuts = sql.rows(_CUTS, {"merging": int2s(merges)})
    ends = sorted({end for a, b, c, d in cuts for end in ((a, b), (c, d))})
    homes = {(kind, value): home for kind, value, home, *_ in sql.rows(LOOK_UP, columns(ends))} if ends else {}
    number = sum(homes.get((a, b)) is not None and homes.get((a, b)) == homes.get((c, d)) for a, b, c, d in cuts)
    if number:
        yield f"{number:,} cuts stand within one person"


@check("people are what all the evidence makes")
def people_follow_the_evidence() -> Iterator[str]:
    """All links judged at once. Cost: one pass over identifiers and links, some 10 s a million people, and 1 GB."""
    kinds = load_kinds()
    differing = picture.differences(picture.take(kinds), kinds)
    number = len(np.union1d(differing.profiles, differing.afresh))
    if Rebuild.objects.filter(ended_at=None, dry_run=False).exists():
        return  # They are being made anew, and are on the way there.
    if differing:
        yield f"{number:,} profiles aren't what their links make under the rules as they are: run manage.py rebuild_identity"
