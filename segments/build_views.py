"""The builder: a form for a rule whose every button posts it whole; its preview, and what comes after it."""

import contextlib
from dataclasses import dataclass, field, replace
from typing import Any

from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from cdp_site.roles import requires
from segments import builder, catalog, changes, doubts, expand, library, preview, report, turns, versions
from segments.builder import words
from segments.changes import MAX_DESCRIPTION
from segments.counting import Count
from segments.describe import describe
from segments.difference import changed, difference
from segments.models import Segment
from segments.rules import Rule, RuleError, events_in, from_json, key, to_json
from segments.suggest import suggestions

MOST_WARNINGS = 6


class _Name(forms.Form):
    name = forms.CharField(max_length=120, strip=True, error_messages={"required": "Give it a name."})
    description = forms.CharField(
        required=False,
        max_length=MAX_DESCRIPTION,
        error_messages={
            "max_length": f"What it is for has at most {MAX_DESCRIPTION:,} characters; this has %(show_value)s."
        },
    )

    def __init__(self, *args: Any, segment: Segment | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.segment = segment

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self.segment and name == self.segment.name:
            return name
        if reason := changes.why_no_name(name):
            raise forms.ValidationError(f"{reason[0].upper()}{reason[1:]}.")
        others = Segment.objects.filter(name__iexact=name)
        if self.segment:
            others = others.exclude(pk=self.segment.pk)
        if others.exists():
            raise forms.ValidationError("Another segment has this name.")
        return name


@dataclass
class _Building:
    """What the builder stands at: of which segment, the draft, what is said beside it."""

    segment: Segment | None
    draft: builder.GroupDraft
    history: str
    name: str = ""
    description: str = ""
    name_errors: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    begun_from: str = ""


@requires("segments")
def build(request: HttpRequest, id: int | None = None) -> HttpResponse:
    """A new segment, or the next version of one. Every button posts the whole form; the answer is the form."""
    found = get_object_or_404(Segment, id=id) if id else None
    if request.method == "POST":
        return _posted(request, found)
    draft, name, description = builder.EMPTY, "", ""
    ready = library.ready(request.GET.get("from", ""))
    if found:
        live = found.coming or found.rule
        kept = found.draft if found.draft is not None and request.GET.get("rule") != "live" else live
        draft, name, description = _draft_of(kept), found.name, found.description
    elif ready:
        draft, name, description = _draft_of(ready.rule), ready.name, ready.explained
    return _shown(request, _Building(found, draft, builder.remember("", draft), name, description))


@require_POST
@requires("segments")
def duplicate(request: HttpRequest, id: int) -> HttpResponse:
    """A draft with the same rule, under a name of its own, opened in the builder."""
    found = get_object_or_404(Segment, id=id)
    try:
        rule, name = from_json(found.rule), _free_name(found.name)
        made = changes.create(name, rule, _by(request), description=found.description, live=False)
    except RuleError as error:
        messages.warning(request, f"It can’t be duplicated: its rule {error.reason}.")
        return redirect("segment", found.pk)
    messages.success(request, "This is the copy, a draft: nothing follows it yet.")
    return redirect("segment_edit", made.pk)


@requires("segments")
def preview_of(request: HttpRequest, id: int | None = None) -> HttpResponse:
    """How many people the form's rule finds, some of them, and what to look at again."""
    found = get_object_or_404(Segment, id=id) if id else None
    draft = builder.read(_form(request))
    return render(request, "segments/_preview.html", _preview(draft, found, _turn(request)))


@requires("segments")
def further(request: HttpRequest, id: int | None = None) -> HttpResponse:
    """Month by month, by channel, and who would come and go: asked for after the preview, so that it holds nothing up."""
    found = get_object_or_404(Segment, id=id) if id else None
    draft = builder.read(_form(request))
    return render(request, "segments/_further.html", _further(draft, found, _turn(request)))


def _form(request: HttpRequest) -> dict[str, str]:
    """What was posted; of several values of one control (days of the week) all, with spaces between."""
    return {name: " ".join(map(str, request.POST.getlist(name))) for name in request.POST}


def _turn(request: HttpRequest) -> turns.Turn | None:
    return turns.of(request.user.pk, request.POST.get("page", ""), request.POST.get("turn", ""))


def _by(request: HttpRequest) -> Any:
    return request.user if request.user.is_authenticated else None


def _draft_of(rule: Any) -> builder.GroupDraft:
    try:
        return builder.draft_of(from_json(rule))
    except RuleError:
        return builder.EMPTY


def _free_name(name: str) -> str:
    tried = [f"{name[:100]} (copy)", *(f"{name[:100]} (copy {number})" for number in range(2, 200))]
    taken = set(Segment.objects.filter(name__in=tried).values_list("name", flat=True))
    return next(one for one in tried if one not in taken)


def _posted(request: HttpRequest, found: Segment | None) -> HttpResponse:
    form = _form(request)
    act, history = form.get("act", ""), form.get("history", "")
    # Taking back takes nothing half-typed with it.
    draft = builder.read(form) if act == "undo" else _added(builder.read(form), found)
    now = _Building(found, draft, history, form.get("name", ""), form.get("description", ""))
    now.begun_from = form.get("begun_from", "")
    if act in ("save", "draft"):
        return _save(request, now, live=act == "save")
    if act == "undo":
        now.draft, now.history = builder.undo(builder.remember(history, draft)) or (draft, history)
        now.draft = replace(now.draft, add=draft.add)
        # The list's newest state is the one shown again.
    elif act not in ("", "more"):
        now.draft = builder.act(draft, act)
    now.history = builder.remember(now.history, now.draft)
    return _shown(request, now, more=act == "more")


def _added(draft: builder.GroupDraft, found: Segment | None) -> builder.GroupDraft:
    """The draft with what its fields for new conditions say added to it; what isn't understood stays in its field."""
    if not _has_additions(draft):
        return draft
    known = suggestions(builder.EMPTY, found.pk if found else None).vocabulary()

    def added(node: builder.Draft) -> builder.Draft:
        if not isinstance(node, builder.GroupDraft):
            return node
        node = replace(node, items=tuple(map(added, node.items)))
        understood = builder.understand(node.add, known) if node.add else builder.Understood()
        return node if understood.draft is None else replace(node, items=(*node.items, understood.draft), add="")

    changed = added(draft)
    assert isinstance(changed, builder.GroupDraft)
    return changed


def _has_additions(draft: builder.Draft) -> bool:
    return isinstance(draft, builder.GroupDraft) and (bool(draft.add) or any(map(_has_additions, draft.items)))


def _not_understood(draft: builder.Draft, path: str = "r") -> dict[str, str]:
    """Why what stands in a field for a new condition became none, by its group."""
    if not isinstance(draft, builder.GroupDraft):
        return {}
    found = {path: f"This isn't understood; {builder.understand(draft.add).reason}."} if draft.add else {}
    for number, item in enumerate(draft.items):
        found |= _not_understood(item, f"{path}.{number}")
    return found


def _standing(found: Segment | None) -> str:
    """A mark of what a segment says now: another one when somebody saved it meanwhile."""
    said = [found.name, found.description, found.rule, found.coming, found.draft] if found else []
    return preview.mark(changes.written(said))


def _says(found: Segment, rule: Rule | None) -> bool:
    """Whether it has this rule already: Save was pressed twice."""
    has = [changes.written(one) for one in (found.rule, found.coming, found.draft)]
    return rule is not None and changes.written(to_json(rule)) in has


def _save(request: HttpRequest, now: _Building, *, live: bool) -> HttpResponse:
    checked = builder.check(now.draft)
    if now.segment and now.begun_from not in ("", _standing(now.segment)) and not _says(now.segment, checked.rule):
        now.begun_from = _standing(now.segment)
        now.errors["r"] = (
            "Somebody else saved this segment since you opened it; it reads now: "
            f"“{versions.sentence(now.segment.draft or now.segment.coming or now.segment.rule)}”. "
            "To put yours in its place, save again."
        )
        return _shown(request, now)
    named = _Name(request.POST, segment=now.segment)
    if named.is_valid() and checked.rule is not None and not checked.errors and not _has_additions(now.draft):
        trouble = preview.trouble(checked.rule, named.cleaned_data["name"])
        if now.segment and not trouble:  # Under the name that it had, it would ask for itself as well.
            trouble = preview.trouble(checked.rule, now.segment.name)
        if not trouble:
            try:
                return _saved(request, now.segment, named.cleaned_data, checked.rule, live=live)
            except IntegrityError:  # Save was pressed twice, or somebody else was quicker.
                now.name_errors = ["Another segment has this name by now."]
                return _shown(request, now)
            except RuleError as error:  # What it asks for has been renamed or archived meanwhile.
                trouble = f"This {error.reason}."
        now.errors["r"] = trouble
    elif checked.rule is None and not checked.errors:
        now.errors["r"] = "Add at least one condition."
    now.name_errors = [str(error) for said in named.errors.values() for error in said]
    return _shown(request, now)


def _saved(
    request: HttpRequest, found: Segment | None, named: dict[str, str], rule: Rule, *, live: bool
) -> HttpResponse:
    name, by = named["name"], _by(request)
    description = "\n".join(line.rstrip() for line in named["description"].splitlines())
    other_words = found is not None and (found.name, found.description) != (name, description)
    was_archived = found is not None and found.status == Segment.Status.ARCHIVED
    with transaction.atomic():
        expand.hold_names()
        if found is None:
            found, another = changes.create(name, rule, by, description=description, live=live), True
        else:
            if found.name != name:
                changes.rename(found, name)
            Segment.objects.filter(pk=found.pk).update(description=description)
            another = _another(found, rule, by, live=live)
    if not live:
        kept = "Kept as a draft: the live rule stays as it is." if found.status == Segment.Status.LIVE else ""
        kept += " Its name and what it is for are changed at once." if kept and other_words else ""
        messages.success(request, kept or "Saved as a draft: nothing follows it yet.")
    else:
        if was_archived:
            changes.set_live(found)
        messages.success(request, "Saved. Its members are being found." if another or was_archived else "Saved.")
    address = reverse("segment", args=[found.pk])
    if request.htmx:  # type: ignore[attr-defined]
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = address
        return answer
    return redirect(address)


def _another(found: Segment, rule: Rule, by: Any, *, live: bool) -> bool:
    """Whether it has another rule now. A segment that was never live is a draft itself."""
    if not live and found.status == Segment.Status.DRAFT:
        return changes.save_rule(found, rule, by)
    differs = versions.save_draft(found, rule, by)
    return versions.publish(found, by) if live else differs


def _shown(request: HttpRequest, now: _Building, *, more: bool = False) -> HttpResponse:
    """The form as it stands. A quick answer has the rule alone; the preview follows it when the rule is another."""
    checked = builder.check(now.draft)
    found = suggestions(now.draft, now.segment.pk if now.segment else None)
    identity = key(checked.rule) if checked.rule is not None else ""
    context = {
        "segment": now.segment, "draft": now.draft, "history": now.history, "shown": preview.mark(identity),
        "begun_from": now.begun_from or _standing(now.segment),
        "name": now.name, "description": now.description, "name_errors": now.name_errors,
        "errors": {**checked.errors, **now.errors}, "gaps": checked.gaps, "misread": _not_understood(now.draft),
        "suggestions": found, "words": words,
        "from_draft": now.segment is not None and now.segment.draft is not None and request.method == "GET",
        "on_live": request.GET.get("rule") == "live",
        "kinds": {one.name: one.label for one in found.identifiers} | {"anonymous": "anonymous"},
        "ready": library.READY,
    }  # fmt: skip
    if request.htmx:  # type: ignore[attr-defined]
        answer = render(request, "segments/_built.html", context)
        if request.POST.get("shown") != context["shown"]:
            answer["HX-Trigger-After-Swap"] = "rule-changed"
        return answer
    context |= {"preview_address": _address("segment_preview", now.segment), **_preview(now.draft, now.segment)}
    if more:
        context |= _further(now.draft, now.segment)
    return render(request, "segments/build.html", context)


def _address(name: str, segment: Segment | None) -> str:
    return reverse(f"{name}_of", args=[segment.pk]) if segment else reverse(name)


def _preview(draft: builder.GroupDraft, segment: Segment | None, turn: turns.Turn | None = None) -> dict[str, Any]:
    rule = builder.check(draft).rule
    shown: dict[str, Any] = {
        "further_address": _address("segment_further", segment), "segment": segment, "begun": bool(draft.items),
    }  # fmt: skip
    if rule is None:
        return shown
    trouble = preview.trouble(rule, segment.name if segment else "")
    if trouble:
        return {**shown, "sentence": describe(rule), "warnings": [trouble]}
    counted = preview.counted(rule, turn)
    if segment is not None and segment.status == Segment.Status.LIVE:
        with contextlib.suppress(RuleError):
            lines = difference(from_json(segment.rule), rule)
            shown |= {"lines": lines, "differs": changed(lines)}
    return shown | {
        "count": counted, "sentence": describe(rule), "sample": report.some(counted.sample) if counted else [],
        "warnings": _warnings(rule, counted), "given_up": counted is None,
    }  # fmt: skip


def _warnings(rule: Rule, counted: Count | None) -> list[str]:
    events = {one.name: one.count for one in catalog.events()}
    named = {one.name for one in events_in(rule)}
    properties = {name: {one.name for one in catalog.properties(name)} for name in sorted(named & events.keys())}
    traits = {one.name for one in catalog.traits()}
    found = doubts.contradictions(rule)
    found += doubts.unseen(rule, events.keys(), traits, properties)
    if counted is None:
        return [doubts.too_long(rule, preview.SECONDS, events), *found][:MOST_WARNINGS]
    if counted.of and counted.count == counted.of:
        found.append("This is everybody.")
    if counted.of and not counted.count and not found:
        found.append("Nobody is in it now.")
    return (found + doubts.cost(rule, counted.milliseconds, events))[:MOST_WARNINGS]


def _further(draft: builder.GroupDraft, segment: Segment | None, turn: turns.Turn | None = None) -> dict[str, Any]:
    rule = builder.check(draft).rule
    live = segment if segment is not None and segment.status == Segment.Status.LIVE else None
    shown: dict[str, Any] = {"segment": segment}
    if rule is None or preview.trouble(rule, segment.name if segment else ""):
        return shown
    found = preview.further(rule, live, turn=turn)
    shown |= {
        "further": found, "sizes": [size for _, size in found.months],
        "first_month": f"{timezone.localtime(found.months[0][0]):%B %Y}" if found.months else "",
        "labels": [f"{timezone.localtime(moment):%B %Y}: {size:,}" for moment, size in found.months],
    }  # fmt: skip
    if found.moves:
        shown |= {"entering": report.some(found.moves.entering), "leaving": report.some(found.moves.leaving)}
    return shown
