"""All people made anew from the stored evidence, after the rules changed: only where they differ is anything written.

A rebuild is a row that the stage works off step by step, each a transaction, so that it may be killed at any moment and
goes on where it was. Messages may come in meanwhile: what they bring is judged by the new rules already, and each
difference is judged once more, with all that hangs together with it, when its turn comes. So the end is what
`profiles.grouping` makes of all evidence.

  links    where rules changed that say which links a message means: every event is read again (`profiles.retell`)
  find     all evidence is judged at once, as arrays; who differs is noted (`profiles.picture`)
  people   those are judged anew, some hundred at a time, by the same code that serves messages as they come
  homes    where messages may find somebody else now: those that aren't at home are noted, event by event
  strays   and sent home
"""

from collections.abc import Iterable, Iterator, Mapping

import structlog
from django.db import transaction
from django.utils import timezone

from cdp_site import sql, stages
from cdp_site.arrays import bools, int8s
from cdp_site.checks import one_view
from cdp_site.ids import new_ids
from cdp_site.models import Progress
from profiles import identity, picture, preview, retell, traits
from profiles.identifiers import Kind
from profiles.kinds import mark_applied, may_block, out_of_date, rules_of
from profiles.models import IdentifierKind, Profile, Rebuild, RebuildSeed

log = structlog.get_logger(__name__)

NAME = "Making people anew from all evidence"
# Profiles judged in one transaction: no message is resolved meanwhile, so it is to be short.
PROFILES = 1_000
EXAMPLES = 10
Step = Rebuild.Step


def ask(because: str = "", by: str = "") -> Rebuild:
    """Have the people follow the rules as they are now. One that waits or is under way begins again instead."""
    with transaction.atomic():
        rebuild = hold()
        # Told only now: one that ended while this waited for its row has changed which rules the people follow.
        relinks = out_of_date(IdentifierKind.objects.all())[1]
        if rebuild is None:
            rebuild = Rebuild(asked_by=by, because=because)
        elif because and because not in rebuild.because:
            rebuild.because = "; ".join(filter(None, [rebuild.because, because]))
        rebuild.relinks |= relinks
        rebuild.step, rebuild.cursor = Step.LINKS if rebuild.relinks else Step.FIND, 0
        rebuild.save()
    stages.wake("rebuild")
    return rebuild


def hold() -> Rebuild | None:
    """The rebuild that waits or is under way, locked until the transaction ends: two who ask at once begin one.

    Whoever changes a kind and asks in one transaction takes it first: the last step of a rebuild writes to the kinds.
    """
    sql.rows("SELECT pg_advisory_xact_lock(hashtextextended('tributary rebuild asked for', 0))")
    return Rebuild.objects.select_for_update().filter(ended_at=None, dry_run=False).order_by("id").first()


def ask_what_if(proposed: Mapping[int, Mapping[str, object]], because: str, by: str = "") -> Rebuild:
    """Have it counted what these rules would change: {kind's id: {field: value}}. Nothing is changed."""
    asked = Rebuild.objects.create(
        asked_by=by, because=because, dry_run=True, proposed={str(id): dict(rules) for id, rules in proposed.items()}
    )
    stages.wake("rebuild")
    return asked


@stages.stage("rebuild", counts="rebuild_steps", every=30)
def go_on() -> int:
    """One step, or a part of one, of the oldest rebuild that is under way; what is only tried out comes first."""
    with transaction.atomic():
        rebuild = Rebuild.objects.select_for_update().filter(ended_at=None).order_by("-dry_run", "id").first()
        if rebuild is None:
            return 0
        if rebuild.began_at is None:
            rebuild.began_at, rebuild.profiles_before = timezone.now(), Profile.objects.count()
        if not rebuild.dry_run and rebuild.step != Step.FIND:
            _STEPS[Step(rebuild.step)](rebuild)
        rebuild.save()
    if rebuild.dry_run:
        _try_out(rebuild)
    elif rebuild.step == Step.FIND:
        _find(rebuild.pk)
    return 1


def _try_out(rebuild: Rebuild) -> None:
    """Count what the proposed rules would change. A dry run that fails says so, and is not tried again."""
    try:
        with one_view():
            outlook = preview.look(preview.proposed(identity.load_kinds(), rebuild.proposed or {}))
    except Exception as error:
        log.exception("dry_run_failed", kind=type(error).__name__)
        rebuild.step, rebuild.ended_at = Step.FAILED, timezone.now()
        rebuild.save()
        return
    rebuild.profiles_before, rebuild.profiles_after = outlook.profiles_before, outlook.profiles_after
    rebuild.joined, rebuild.parted, rebuild.examples = outlook.joined, outlook.parted, outlook.examples
    rebuild.step, rebuild.ended_at = Step.DONE, timezone.now()
    rebuild.save()


def _links(rebuild: Rebuild) -> None:
    """Read the next events again; when all are, what no message says any more goes."""
    kinds = identity.load_kinds()
    if rebuild.cursor == 0:
        retell.begin()
        _seed(sorted(retell.mark_blocked(_that_block(kinds), timezone.now())), afresh=True)
    until = retell.read_some(rebuild.cursor, kinds)
    if until > rebuild.cursor:
        rebuild.cursor = until
        _report(rebuild, *_events(until))
        return
    stages.hold("resolve")
    # What came while the last events were read.
    while (until := retell.read_some(rebuild.cursor, kinds)) > rebuild.cursor:
        rebuild.cursor = until
    retell.forget_unsaid()
    rebuild.step = Step.FIND


def _that_block(kinds: Mapping[int, Kind]) -> Iterator[Kind]:
    """The kinds of which a value is blocked, or was."""
    return (kinds[kind.id] for kind in IdentifierKind.objects.all() if kind.id in kinds and may_block(kind))


_FREE = """
UPDATE identifier SET shared = false, shared_since = NULL
WHERE shared AND NOT blocked AND hashtextextended(value, kind_id) = ANY(%b::bigint[])
"""
_SETTLE = """
UPDATE identifier SET disputed = false WHERE disputed AND hashtextextended(value, kind_id) = ANY(%b::bigint[])
"""
_SEED = """
INSERT INTO rebuild_seed AS kept (profile_id, afresh) SELECT * FROM unnest(%b::bigint[], %b::boolean[])
ON CONFLICT (profile_id) DO UPDATE SET afresh = kept.afresh OR excluded.afresh
"""


def _find(asked: int) -> None:
    """Judge all evidence and note who differs. Whoever resolves from now on does so by the rules as they are now."""
    with transaction.atomic():
        stages.hold("resolve")
    with one_view():
        rules = _rules()
        kinds = identity.load_kinds()
        differing = picture.differences(picture.take(kinds), kinds)
    with transaction.atomic():
        rebuild = Rebuild.objects.select_for_update().filter(pk=asked, ended_at=None).first()
        if rebuild is None or rebuild.step != Step.FIND or rules != _rules():
            return  # Other rules meanwhile: it begins again.
        with sql.cursor() as cursor:
            if len(differing.freed):
                cursor.execute(_FREE, (int8s(differing.freed),))
            if len(differing.settled):
                cursor.execute(_SETTLE, (int8s(differing.settled),))
        _seed(differing.profiles.tolist(), afresh=False)
        _seed(differing.afresh.tolist(), afresh=True)
        rebuild.rules, rebuild.rehomes = rules, rebuild.relinks or bool(len(differing.freed) + len(differing.settled))
        rebuild.seeds = RebuildSeed.objects.count()
        rebuild.step = Step.PEOPLE
        rebuild.save()
        _report(rebuild, 0, rebuild.seeds)


def _rules() -> dict[str, dict[str, object]]:
    return {str(kind.id): rules_of(kind) for kind in IdentifierKind.objects.all()}


def _seed(profiles: Iterable[int], *, afresh: bool) -> None:
    chosen = list(profiles)
    if chosen:
        with sql.cursor() as cursor:
            cursor.execute(_SEED, (int8s(chosen), bools([afresh] * len(chosen))))


_TAKE = """
DELETE FROM rebuild_seed WHERE profile_id IN (
    SELECT profile_id FROM rebuild_seed WHERE afresh = (SELECT bool_and(afresh) FROM rebuild_seed)
    ORDER BY profile_id LIMIT %b FOR UPDATE
) RETURNING profile_id, afresh
"""


def _people(rebuild: Rebuild) -> None:
    """Judge the next of those who differ anew, with all that hangs together with them."""
    if _judge_some(rebuild):
        left = RebuildSeed.objects.count()
        _report(rebuild, max(rebuild.seeds - left, 0), rebuild.seeds)
    elif rebuild.step == Step.PEOPLE and rebuild.rehomes:
        rebuild.step, rebuild.cursor = Step.HOMES, 0
    else:
        _finish(rebuild)


def _judge_some(rebuild: Rebuild) -> bool:
    stages.hold("resolve")
    seeds = sql.rows(_TAKE, (PROFILES,))
    if not seeds:
        return False
    placed = identity.rejudge((), identity.load_kinds(), [profile for profile, _ in seeds], afresh=seeds[0][1])
    mark_changed(traits.decide(sorted(placed.regrouped)) | placed.regrouped | placed.given_more | placed.gone)
    rebuild.joined += len(placed.gone)
    rebuild.parted += len(placed.parted)
    if len(rebuild.examples) < EXAMPLES:
        some = [{"parted": one} for one in sorted(placed.parted)] + [{"joined": [one]} for one in sorted(placed.gone)]
        rebuild.examples = [*rebuild.examples, *some][:EXAMPLES]
    return True


def mark_changed(profiles: Iterable[int]) -> None:
    """Queue these for the stages behind: anything about them may have changed."""
    chosen = sorted(profiles)
    now = timezone.now()
    sql.copy_rows(
        "changed_profile",
        ["id", "profile_id", "name_ids", "at"],
        [(key, profile, [], now) for key, profile in zip(new_ids(len(chosen)), chosen, strict=True)],
    )
    if chosen:
        stages.wake("evaluate")


# An event belongs to whom its first identifier leads to that isn't shared or disputed, else to whom the first does.
_ASTRAY = """
WITH told AS MATERIALIZED (
    SELECT profile_id, identifiers FROM event WHERE id > %b AND id <= %b GROUP BY profile_id, identifiers
)
SELECT DISTINCT told.profile_id FROM told
LEFT JOIN LATERAL (
    SELECT identifier.profile_id FROM jsonb_array_elements(identifiers) WITH ORDINALITY AS named (pair, place)
    JOIN identifier ON identifier.kind_id = (pair ->> 0)::smallint AND identifier.value = pair ->> 1
    ORDER BY identifier.shared OR identifier.disputed, place LIMIT 1
) AS home ON true
WHERE home.profile_id IS DISTINCT FROM told.profile_id
"""


def _homes(rebuild: Rebuild) -> None:
    """Note whose messages find somebody else now, or nobody yet, among the next events."""
    until = sql.rows(retell.UNTIL, (rebuild.cursor, retell.EVENTS, rebuild.cursor))[0][0]
    if until is None:
        rebuild.step, rebuild.seeds = Step.STRAYS, RebuildSeed.objects.count()
        return
    _seed((profile for (profile,) in sql.rows(_ASTRAY, (rebuild.cursor, until))), afresh=True)
    rebuild.cursor = until
    _report(rebuild, *_events(until))


def _finish(rebuild: Rebuild) -> None:
    mark_applied({int(id): applied for id, applied in (rebuild.rules or {}).items()})
    rebuild.profiles_after = Profile.objects.count()
    rebuild.step, rebuild.ended_at = Step.DONE, timezone.now()
    Progress.objects.report(NAME, 1, 1)
    log.info("people_rebuilt", joined=rebuild.joined, parted=rebuild.parted, seconds=rebuild.seconds)


_STEPS = {Step.LINKS: _links, Step.PEOPLE: _people, Step.HOMES: _homes, Step.STRAYS: _people}


def _events(until: int) -> tuple[int, int]:
    """How far the events are read: their numbers are times, so a share of the time from the first to the last."""
    first, last = sql.rows("SELECT min(id), max(id) FROM event")[0]
    return (until - first) * 1_000 // max(last - first, 1), 1_000


def _report(rebuild: Rebuild, done: int, total: int) -> None:
    if done < total:
        Progress.objects.report(NAME, done, total, Step(rebuild.step).label)
