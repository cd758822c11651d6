"""Why somebody is one person, and what may be done about it by hand: always shown before it is done, always with a reason."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from cdp_site import asked
from cdp_site.roles import may, requires
from profiles import foresee, graph, hand, identity, plans, search
from profiles.acts import wording
from profiles.called import names_of
from profiles.explain import explain
from profiles.foresee import Side
from profiles.hand import Done
from profiles.history import history
from profiles.identifiers import Kind
from profiles.models import Act, IdentifierKind, Profile
from profiles.plans import Plan, Refused


@requires("people")
def person_identity(request: HttpRequest, id: int) -> HttpResponse:
    """The identifiers, their links with the evidence, what joins nothing and why, and how it came about."""
    living = search.living(id)
    if living is None:
        raise Http404
    if living != id:
        return redirect("person_identity", living)
    kinds = identity.load_kinds()
    found = explain(id, kinds)
    shown = {
        "profile": get_object_or_404(Profile, id=id),
        "profile_id": id,
        "found": found,
        "graph": graph.draw(found, id),
        "history": history(id, kinds),
        "may_decide": may(request.user, "identity"),
    }
    return render(request, "profiles/identity.html", shown)


@dataclass(frozen=True)
class _Shown:
    """A side as the page shows it: whose page, or who is new; how many events; identifiers by kind."""

    side: Side
    title: str
    identifiers: list[tuple[str, str]]
    more: int


@requires("identity")
def person_cut(request: HttpRequest, id: int, link: str) -> HttpResponse:
    """Two identifiers of a link aren't one person's."""
    tie = next((one for one in explain(id, identity.load_kinds()).ties if one.key == link), None)
    if tie is None:
        messages.error(request, "This link doesn't join this person any more.")
        return _back(id)
    return _decide(
        request,
        id,
        f"Cut {tie.one.label} {tie.one.value} apart from {tie.other.label} {tie.other.value}?",
        "Cut them apart",
        lambda kinds: plans.cut(*tie.pair, kinds),
        lambda by, reason: hand.cut(*tie.pair, by, reason),
    )


@requires("identity")
def person_settle(request: HttpRequest, id: int, link: str) -> HttpResponse:
    """What several claim is this person's, or isn't."""
    tie = next((one for one in explain(id, identity.load_kinds()).refused if one.key == link and one.is_claim), None)
    if tie is None or tie.of != id:
        messages.error(request, "This person doesn’t claim it, or nobody else does any more.")
        return _back(id)
    mine, theirs = sorted(tie.ends, key=lambda node: node.means_nobody)
    whose = get_object_or_404(Profile, id=id)
    if asked.words(request.POST.get("act") or request.GET.get("act")) == "apart":
        return _decide(
            request,
            id,
            f"Say that {theirs.label} {theirs.value} is not {whose}’s?",
            "It is not",
            lambda kinds: plans.keep_apart(*tie.pair, kinds),
            lambda by, reason: hand.keep_apart(*tie.pair, by, reason),
            settles="apart",
        )
    return _decide(
        request,
        id,
        f"Say that {theirs.label} {theirs.value} is {whose}’s?",
        "It is",
        lambda kinds: plans.join(mine.identifier, theirs.identifier, kinds),
        lambda by, reason: hand.join(mine.identifier, theirs.identifier, by, reason),
        settles="join",
    )


@requires("identity")
def person_undo(request: HttpRequest, id: int, merge_id: int) -> HttpResponse:
    """Two who became one are two."""
    return _decide(
        request,
        id,
        "Undo this merge?",
        "Undo the merge",
        lambda kinds: plans.undo(id, merge_id, kinds),
        lambda by, reason: hand.undo(id, merge_id, by, reason),
    )


@requires("identity")
def person_take_back(request: HttpRequest, id: int, act_id: int) -> HttpResponse:
    """What was done by hand is as if it had never been."""
    act = get_object_or_404(Act, pk=act_id)
    if {act.profile_id, act.other_id}.isdisjoint(plans.ids_of(id)):
        raise Http404
    words = wording([act], identity.load_kinds())
    return _decide(
        request,
        id,
        f"Take back that {words.by(act)} {words.did(act)}?",
        "Take it back",
        lambda _: plans.take_back(act),
        lambda by, reason: hand.take_back(act_id, by, reason),
        for_good=True,
    )


@requires("identity")
def person_join(request: HttpRequest, id: int) -> HttpResponse:
    """Two people are one: find the other one, see both side by side, and what they would be together."""
    other = asked.whole(request.POST.get("with") or request.GET.get("with"))
    typed = asked.words(request.GET.get("q"))
    if other is not None and (elsewhere := _since_then(request, id, other)):
        return elsewhere
    if other is None or not Profile.objects.filter(pk=other).exclude(pk=id).exists():
        shown = {
            "profile": get_object_or_404(Profile, id=id),
            "profile_id": id,
            "typed": typed,
            "people": [one for one in search.people(typed, limit=20) if one.id != id] if typed else [],
        }
        return render(request, "profiles/identity_join.html", shown)
    get_object_or_404(Profile, id=id)
    return _decide(
        request,
        id,
        "Join these two?",
        "Join them",
        lambda kinds: plans.join(*plans.people(id, other, kinds), kinds),
        lambda by, reason: hand.join(*plans.people(id, other, identity.load_kinds()), by, reason),
        other,
    )


def _since_then(request: HttpRequest, id: int, other: int) -> HttpResponse | None:
    """Where to go on when one of these two has become part of somebody since the page was shown, and that it is said."""
    home, theirs = search.living(id), search.living(other)
    if home is None or (home, theirs) == (id, other):
        return None
    if theirs is None:
        messages.error(request, "The other person isn’t there any more. Find them anew.")
        return redirect("person_join", home)
    if home == theirs:
        if id == other:
            return None
        messages.info(request, "These two are one person by now: they were joined already. Nothing more was done.")
        return redirect("person_identity", home)
    messages.info(request, "One of the two has become part of somebody else meanwhile. See them side by side anew.")
    return redirect(f"{reverse('person_join', args=[home])}?with={theirs}")


def _decide(
    request: HttpRequest,
    id: int,
    title: str,
    act: str,
    planned: Callable[[dict[int, Kind]], Plan],
    carry_out: Callable[[str, str], Done],
    other: int | None = None,
    settles: str = "",
    for_good: bool = False,
) -> HttpResponse:
    """Show what would happen, and ask why; posted with a reason, do it. `for_good`: it can't be taken back itself."""
    if search.living(id) not in (None, id):
        messages.info(request, "This person has become part of another meanwhile. Look again, nothing was done.")
        return _back(id)
    profile = get_object_or_404(Profile, id=id)
    assert isinstance(request.user, User)
    reason = asked.words(request.POST.get("reason"))
    try:
        if request.method == "POST" and reason:
            done = carry_out(request.user.get_username(), reason)
            messages.success(request, "Done. Segments and channels follow.")
            return _back(id if settles else done.one or done.other or id)
        kinds = identity.load_kinds()
        sides = foresee.foresee(planned(kinds), kinds)
    except Refused as refused:
        messages.error(request, str(refused))
        return _back(id)
    shown = {
        "profile": profile,
        "profile_id": id,
        "other": other,
        "settles": settles,
        "for_good": for_good,
        "title": title,
        "act": act,
        "now": _now(id, other),
        "sides": _told(sides),
        "joins": sum(not side.nobody for side in sides) == 1,
        "reason_missing": request.method == "POST",
    }
    return render(request, "profiles/identity_decide.html", shown)


_MOST = 12


def _told(sides: list[Side]) -> list[_Shown]:
    labels = dict(IdentifierKind.objects.values_list("id", "label"))
    names = names_of(home for side in sides for home in side.was)
    found = []
    for side in sides:
        title = names[side.keeps] if side.keeps is not None else "Nobody yet" if side.nobody else "Somebody new"
        few = [(labels[kind], value) for kind, value in side.identifiers[:_MOST]]
        found.append(_Shown(side, title, few, len(side.identifiers) - len(few)))
    return found


@dataclass(frozen=True)
class _Now:
    """A person as they are now, for two side by side."""

    profile: Profile
    identifiers: list[tuple[str, str]]
    more: int


def _now(id: int, other: int | None) -> list[_Now]:
    if other is None:
        return []
    kinds = identity.load_kinds()
    found = []
    for profile in sorted(Profile.objects.filter(pk__in=[id, other]), key=lambda one: one.pk != id):
        explained = explain(profile.pk, kinds)
        few = [(node.label, node.value) for node in explained.nodes[:_MOST]]
        more = len(explained.nodes) - len(few) + sum(number for _, number in explained.more)
        found.append(_Now(profile, few, more))
    return found


def _back(id: int) -> HttpResponse:
    return redirect("person_identity", search.living(id) or id)
