"""Trait policies in the admin: which traits were said, where sources differ, by which rule it is decided, and for how many
people another rule would change what is shown. Here, because sources are chosen by name."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminRadioSelect
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from cdp_site.models import Progress
from connectors.models import Source
from profiles import normalise, policies, trait_effect
from profiles.models import TraitPolicy
from profiles.models.traits import ALL_OTHERS, EVERYBODY
from profiles.policies import Policy, Refused, Rule
from profiles.recompute import PROGRESS
from profiles.trait_effect import Catalogue

# The form's field for a source's place in the order.
_PLACE = "place_"
_CATALOGUE_KEPT = 60  # seconds


class PolicyForm(forms.ModelForm):
    """One trait's policy; a place in the order for each source is added by the admin below."""

    rule = forms.ChoiceField(widget=AdminRadioSelect(attrs={"class": "radiolist"}), choices=Rule.choices)

    class Meta:
        model = TraitPolicy
        fields = ["name", "rule"]
        help_texts = {"name": "As it is listed, such as city; * for all traits without a policy of their own."}

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        folded = normalise.trait_name(name) if name != ALL_OTHERS else name
        if not folded:
            raise forms.ValidationError(
                f"{name!r} is no name of a trait: names are of letters, digits and _, such as city."
            )
        return folded

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        by_place: dict[int, str] = {}
        for field, place in sorted(cleaned.items()):
            if field.startswith(_PLACE) and place is not None:
                if place in by_place:
                    both = f"{self.fields[by_place[place]].label} and {self.fields[field].label}"
                    self.add_error(field, f"{both} both stand at place {place}: give each a place of its own.")
                by_place[place] = field
        self.order = [int(by_place[place].removeprefix(_PLACE)) for place in sorted(by_place)]
        name = cleaned.get("name") or self.instance.name
        if name and "rule" in cleaned:
            try:
                policies.refuse(name, cleaned["rule"], self.order)
            except Refused as refused:
                self.add_error("rule", str(refused))
        return cleaned

    @property
    def policy(self) -> Policy:
        return Policy(self.cleaned_data["rule"], self.order if self.cleaned_data["rule"] == Rule.FIRST else [])


@admin.register(TraitPolicy)
class TraitPolicyAdmin(admin.ModelAdmin):
    """Nothing is saved before it was seen what would change: the form leads to a preview, and that saves."""

    change_list_template = "admin/profiles/traitpolicy/change_list.html"

    def get_form(
        self, request: HttpRequest, obj: TraitPolicy | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        name = obj.name if obj else request.GET.get("name", "")
        said = _catalogue().named(name).by_source
        order = obj.sources if obj else []
        fields: dict[str, Any] = {
            f"{_PLACE}{source.pk}": forms.IntegerField(
                label=source.name,
                required=False,
                min_value=1,
                max_value=1_000,
                initial=order.index(source.pk) + 1 if source.pk in order else None,
                help_text=_says(said.get(source.pk, 0)),
            )
            for source in Source.objects.all()
        }
        meta = type("Meta", (PolicyForm.Meta,), {"fields": ["rule"] if obj else ["name", "rule"]})
        return type("PolicyFormWithSources", (PolicyForm,), {**fields, "Meta": meta})

    def get_readonly_fields(self, request: HttpRequest, obj: TraitPolicy | None = None) -> list[str]:
        return ["name"] if obj else []

    def get_fieldsets(self, request: HttpRequest, obj: TraitPolicy | None = None) -> Any:
        places = [f"{_PLACE}{pk}" for pk in Source.objects.values_list("pk", flat=True)]
        about = "For ‘the first source in an order’: 1 comes first, then 2, …; those without a place come last, the newest first."
        return [
            (None, {"fields": ["name", "rule"]}),
            ("Order of sources", {"fields": places, "description": about}),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: TraitPolicy | None = None) -> bool:
        return False  # A trait goes back to the rule of the others by that choice of its form.

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = _catalogue()
        context = {
            **self.admin_site.each_context(request),
            "title": "Traits: which word holds where sources differ",
            "opts": self.model._meta,
            "rows": _rows(found),
            "looked_at": found.looked_at,
            "progress": Progress.objects.under_way().filter(name=PROGRESS).first(),
        }
        return TemplateResponse(request, self.change_list_template, context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method == "POST" and "_confirmed" not in request.POST:
            obj = self.get_object(request, unquote(object_id)) if object_id else None
            if not (self.has_change_permission(request, obj) if object_id else self.has_add_permission(request)):
                raise PermissionDenied
            if obj or not object_id:
                form = self.get_form(request, obj)(request.POST, instance=obj)
                if form.is_valid():
                    return self._preview(request, form, obj)
        context = {**(extra_context or {}), "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().changeform_view(request, object_id, form_url, context)

    def _preview(self, request: HttpRequest, form: PolicyForm, obj: TraitPolicy | None) -> HttpResponse:
        """What saving would do; the form's fields are sent along, to be saved from there."""
        name = obj.name if obj else form.cleaned_data["name"]
        effect = trait_effect.effect(name, form.policy)
        said = bool(trait_effect.was_said(name)) if name != ALL_OTHERS else True
        context = {
            **self.admin_site.each_context(request),
            "title": "All other traits" if name == ALL_OTHERS else f"Trait {name}",
            "opts": self.model._meta,
            "words": _words(form.policy, _names()),
            "effect": effect,
            "was_said": said,
            "trait": name,
            "fields": [(field, request.POST.get(field, "")) for field in form.fields],
        }
        return TemplateResponse(request, "admin/profiles/traitpolicy/preview.html", context)

    def save_model(self, request: HttpRequest, obj: TraitPolicy, form: PolicyForm, change: bool) -> None:
        changed = policies.change(obj.name, obj.rule, form.order)
        cache.delete("traits.catalogue")
        words = _words(form.policy, _names())
        if changed:
            messages.success(
                request, f"{obj}: {words}. It holds from now on; everybody is decided anew in the background."
            )
        else:
            messages.info(request, f"{obj}: {words}, as before. There was nothing to change.")

    def response_add(
        self, request: HttpRequest, obj: TraitPolicy, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:profiles_traitpolicy_changelist"))

    def response_change(self, request: HttpRequest, obj: TraitPolicy) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:profiles_traitpolicy_changelist"))


def _says(people: int) -> str:
    return f"says it of {people:,} {'person' if people == 1 else 'people'}" if people else "has not said it"


def _catalogue() -> Catalogue:
    """At most a minute old."""
    found: Catalogue | None = cache.get("traits.catalogue")
    if found is None:
        found = trait_effect.catalogue()
        cache.set("traits.catalogue", found, _CATALOGUE_KEPT)
    return found


def _names() -> dict[int, str]:
    return dict(Source.objects.values_list("pk", "name"))


def _words(policy: Policy, names: Mapping[int, str]) -> str:
    """The rule as a person would say it."""
    if policy.rule == Rule.FIRST:
        order = [names.get(source, "a source that is gone") for source in policy.sources]
        return f"{', then '.join(order)} first, then the newest of the others"
    words = {Rule.NEWEST: "the newest word", Rule.FREQUENT: "what was said most often", Rule.AS_OTHERS: "as all others"}
    return words[Rule(policy.rule)]


def _rows(found: Catalogue) -> list[dict[str, Any]]:
    """The list's rows: all traits that were said or have a policy, behind the rule of the others."""
    stored = {one.name: one for one in TraitPolicy.objects.all()}
    names, rules = _names(), policies.read()
    seen = [found.named(name) for name in sorted(stored.keys() - {one.name for one in found.traits} - {ALL_OTHERS})]
    rows = []
    for one in [trait_effect.Seen(ALL_OTHERS), *found.traits, *seen]:
        row = stored.get(one.name)
        own = one.name in rules.of or one.name == ALL_OTHERS
        rows.append(
            {
                "trait": one,
                "others": one.name == ALL_OTHERS,
                "own": own,
                "words": _words(rules[one.name], names),
                "new": row is not None and row.through < EVERYBODY,
                "where": reverse("admin:profiles_traitpolicy_change", args=[one.name])
                if row
                else reverse("admin:profiles_traitpolicy_add", query={"name": one.name}),
            }
        )
    return rows
