"""Segments: the list, one segment, why somebody is in it, and the builder."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from cdp_site import asked
from cdp_site.charts import size_over_time
from cdp_site.roles import requires
from profiles.models import Profile
from segments import builder, catalog, changes, library, report
from segments.counting import count
from segments.describe import describe
from segments.explain import explain
from segments.models import Segment
from segments.rules import RuleError, from_json


@requires("segments")
def segments(request: HttpRequest) -> HttpResponse:
    """All segments, by name; archived ones at the end."""
    typed = asked.words(request.GET.get("q"))
    found = Segment.objects.filter(name__icontains=typed) if typed else Segment.objects.all()
    week, lines = report.changes_in_a_week(), report.lines()
    rows = [(one, sentence(one), week.get(one.pk), lines.get(one.pk, [])) for one in found]
    rows.sort(key=lambda row: row[0].status == Segment.Status.ARCHIVED)
    shown = {"rows": rows, "typed": typed, "ready": library.READY}
    return render(request, "segments/segments.html", shown)


def sentence(segment: Segment) -> str:
    """The rule in English; what is wrong with it where it can't be read."""
    try:
        return describe(from_json(segment.rule))
    except RuleError as error:
        return f"This rule can't be read: {error}"


@requires("segments")
def segment(request: HttpRequest, id: int) -> HttpResponse:
    """One segment: its people, its size over time, its rule."""
    found = get_object_or_404(Segment, id=id)
    after = request.GET.get("after", "")
    people, following = report.members(found, after)
    shown: dict[str, Any] = {"segment": found, "members": people, "following": following}
    if after and request.htmx:  # type: ignore[attr-defined]
        return render(request, "segments/_members.html", shown)
    sizes = report.sizes(found)
    shown |= {
        "sentence": sentence(found),
        "chart": size_over_time(sizes.hours, sizes.sizes, sizes.entered, sizes.left),
        "sizes": list(zip(sizes.hours, sizes.sizes, sizes.entered, sizes.left, strict=True))[-48:],
        "flips": report.flips(found),
        "week": report.changes_in_a_week().get(found.pk, 0),
        "versions": [(one, sentence_of(one.rule)) for one in found.versions.select_related("created_by")[:20]],
        "audiences": found.audiences.select_related("audience__destination"),
    }
    return render(request, "segments/segment.html", shown)


def sentence_of(rule: Any) -> str:
    try:
        return describe(from_json(rule))
    except RuleError as error:
        return f"This rule can't be read: {error}"


@requires("segments")
def segment_state(request: HttpRequest, id: int) -> HttpResponse:
    """The part of a segment's page that changes by itself: its size, and how far a fill is."""
    return render(request, "segments/_state.html", {"segment": get_object_or_404(Segment, id=id)})


@requires("segments")
def why(request: HttpRequest, id: int, profile_id: int) -> HttpResponse:
    """Why somebody is in a segment, or isn't: each condition with what was found."""
    found = get_object_or_404(Segment, id=id)
    person = get_object_or_404(Profile, id=profile_id)
    try:
        reason = explain(from_json(found.rule), profile_id)
    except RuleError as error:
        raise Http404(str(error)) from None
    if reason is None:
        raise Http404
    return render(request, "segments/why.html", {"segment": found, "person": person, "reason": reason})


@require_POST
@requires("segments")
def archive(request: HttpRequest, id: int) -> HttpResponse:
    """Take a segment out of use; its members leave it. Not while an audience follows it."""
    found = get_object_or_404(Segment, id=id)
    used = [str(one.audience) for one in found.audiences.select_related("audience") if one.audience.enabled]
    if used:
        messages.warning(request, f"It is in use: {', '.join(used)} follows it. Take it out there first.")
    elif found.status == Segment.Status.ARCHIVED:
        changes.set_live(found)
        messages.success(request, "It is live again; its members are being found.")
    else:
        changes.archive(found)
        messages.success(request, "It is archived; its members leave it now.")
    return redirect("segment", found.pk)


class _Name(forms.Form):
    name = forms.CharField(max_length=120, strip=True, error_messages={"required": "Give it a name."})
    description = forms.CharField(required=False, max_length=1000)

    def __init__(self, *args: Any, segment: Segment | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.segment = segment

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = Segment.objects.filter(name__iexact=name)
        if self.segment:
            others = others.exclude(pk=self.segment.pk)
        if others.exists():
            raise forms.ValidationError("Another segment has this name.")
        return name


@requires("segments")
def build(request: HttpRequest, id: int | None = None) -> HttpResponse:
    """The builder: a new segment, or the next version of one. Every button posts the whole form; the answer is the form."""
    found = get_object_or_404(Segment, id=id) if id else None
    if request.method == "POST":
        return _built(request, found)
    draft, name, description = builder.EMPTY, "", ""
    ready = library.ready(request.GET.get("from", ""))
    if found:
        draft, name, description = _draft_of(found), found.name, found.description
    elif ready:
        draft, name, description = builder.draft_of(from_json(ready.rule)), ready.name, ready.explained
    return _builder(request, found, draft, builder.remember("", draft), name=name, description=description)


def _draft_of(segment: Segment) -> builder.GroupDraft:
    try:
        return builder.draft_of(from_json(segment.rule))
    except RuleError:
        return builder.EMPTY


def _built(request: HttpRequest, found: Segment | None) -> HttpResponse:
    form = {name: str(value) for name, value in request.POST.items()}
    draft = builder.read(form)
    act, history = form.get("act", ""), form.get("history", "")
    named = _Name(request.POST, segment=found)
    if act == "undo":
        draft, history = builder.undo(builder.remember(history, draft)) or (draft, history)
    elif act == "save":
        checked = builder.check(draft)
        if named.is_valid() and checked.rule is not None and not checked.errors:
            name, description = named.cleaned_data["name"], named.cleaned_data["description"]
            return _saved(request, found, name, description, checked)
        return _builder(request, found, draft, history, named=named, refused=True)
    elif act:
        draft = builder.act(draft, act)
    history = builder.remember(history, draft)
    return _builder(request, found, draft, history, name=form.get("name", ""), description=form.get("description", ""))


def _saved(
    request: HttpRequest, found: Segment | None, name: str, description: str, checked: builder.Checked
) -> HttpResponse:
    assert checked.rule is not None
    by = request.user if request.user.is_authenticated else None
    if found is None:
        found = changes.create(name, checked.rule, by, description=description)
        messages.success(request, "Saved. Its members are being found.")
    else:
        Segment.objects.filter(pk=found.pk).update(name=name, description=description)
        changed = changes.save_rule(found, checked.rule, by)
        messages.success(request, "Saved. Its members are being found anew." if changed else "Saved.")
    address = reverse("segment", args=[found.pk])
    if request.htmx:  # type: ignore[attr-defined]
        answer = HttpResponse(status=204)
        answer["HX-Redirect"] = address
        return answer
    return redirect(address)


def _builder(
    request: HttpRequest,
    found: Segment | None,
    draft: builder.GroupDraft,
    history: str,
    *,
    name: str = "",
    description: str = "",
    named: _Name | None = None,
    refused: bool = False,
) -> HttpResponse:
    checked = builder.check(draft)
    errors = dict(checked.errors)
    if refused and checked.rule is None and not errors:
        errors["r"] = "Add at least one condition."
    counted = count(checked.rule) if checked.rule is not None else None
    known = catalog.events()
    seen = {one.name for one in known}
    used = {node.event for node in _conditions(draft) if isinstance(node, builder.DidDraft)}
    shown = {
        "segment": found,
        "draft": draft,
        "errors": errors,
        "history": history,
        "name": (named["name"].value() if named else name) or "",
        "description": (named["description"].value() if named else description) or "",
        "name_errors": named.errors.get("name", []) if named else [],
        "sentence": describe(checked.rule) if checked.rule else "",
        "count": counted,
        "sample": report.some(counted.sample) if counted else [],
        "warnings": _warnings(counted, sorted(used - seen)),
        "events": known,
        "traits": catalog.traits(),
        "properties": [(event, catalog.properties(event)) for event in sorted(used & seen)],
        "groups": builder.GROUPS,
        "compares": builder.COMPARES,
        "units": builder.UNITS,
        "trait_ops": builder.TRAIT_OPS,
        "property_ops": builder.PROPERTY_OPS,
        "hints": builder.HINTS,
    }
    template = "segments/_builder.html" if request.htmx else "segments/build.html"  # type: ignore[attr-defined]
    return render(request, template, shown)


def _conditions(draft: builder.Draft) -> list[builder.Draft]:
    if isinstance(draft, builder.GroupDraft):
        return [inner for item in draft.items for inner in _conditions(item)]
    return [draft]


def _warnings(counted: Any, unseen: list[str]) -> list[str]:
    found = [f"“{event}” has never been seen. Is it spelled as the source sends it?" for event in unseen]
    if counted and counted.of and counted.count == counted.of:
        found.append("This is everybody.")
    if counted and not counted.count and not unseen:
        found.append("Nobody is in it now.")
    return found
