"""Identity in the admin: the kinds' rules with a look at what they would change, rebuilds, and shared identifiers."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from cdp_site import asked
from cdp_site.models import Progress
from profiles import preview, rebuild, shared
from profiles.kind_form import KindForm, in_words
from profiles.kinds import BUILT_IN, may_block, rules_of
from profiles.models import Identifier, IdentifierKind, Profile, Rebuild


@admin.register(IdentifierKind)
class IdentifierKindAdmin(admin.ModelAdmin):
    """The rules by which people follow from the evidence. Saving has all people made anew, in the background."""

    form = KindForm
    list_display = ("label", "name", "priority", "role", "limit_per_profile", "shared_from", "yields", "state")
    ordering = ("priority",)
    change_form_template = "admin/profiles/identifierkind/change_form.html"
    change_list_template = "admin/profiles/identifierkind/change_list.html"
    fieldsets = (
        (None, {"fields": ("name", "label")}),
        ("How strong it is", {"fields": ("priority", "role", "identifies")}),
        ("How many, how long", {"fields": ("limit_per_profile", "shared_above", "yields_after")}),
        ("Values", {"fields": ("form", "blocked", "patterns", "trusted")}),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("shared/", view(self.shared_view), name="profiles_identifierkind_shared"),
            path("rebuild/", view(self.rebuild_view), name="profiles_identifierkind_rebuild"),
            *super().get_urls(),
        ]

    @admin.display(description="shared above", ordering="shared_above")
    def shared_from(self, kind: IdentifierKind) -> str:
        return str(kind.shared_above or "never")

    @admin.display(description="yields after", ordering="yields_after")
    def yields(self, kind: IdentifierKind) -> str:
        return f"{kind.yields_after} days" if kind.yields_after else "never"

    @admin.display(description="people follow it")
    def state(self, kind: IdentifierKind) -> str:
        return "yes" if kind.applied == rules_of(kind) else "not yet"

    def has_delete_permission(self, request: HttpRequest, obj: IdentifierKind | None = None) -> bool:
        """What Tributary reads by itself stays; so does what people are known by already, or messages may name though it
        is blocked."""
        if obj is not None and (
            obj.pk in BUILT_IN or may_block(obj) or Identifier.objects.filter(kind_id=obj.pk).exists()
        ):
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {name: one for name, one in super().get_actions(request).items() if name != "delete_selected"}

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The button beside Save: the form is checked, and the rules tried out, but nothing is saved."""
        if request.method == "POST" and "_try" in request.POST and object_id is not None:
            kind = self.get_object(request, object_id)
            if kind is None or not self.has_change_permission(request, kind):
                raise PermissionDenied
            before = rules_of(kind)
            form = self.get_form(request, kind, change=True)(request.POST, instance=kind)
            if form.is_valid():
                return self._try_out(request, form.instance, before)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _try_out(self, request: HttpRequest, kind: IdentifierKind, before: dict[str, Any]) -> HttpResponse:
        changed = {field: value for field, value in rules_of(kind).items() if value != before[field]}
        if not changed:
            messages.info(request, "These rules are those that hold: nothing would change.")
            return HttpResponseRedirect(reverse("admin:profiles_identifierkind_change", args=[kind.pk]))
        tried = rebuild.ask_what_if({kind.pk: changed}, in_words(kind, before), request.user.get_username())
        return HttpResponseRedirect(reverse("admin:profiles_rebuild_change", args=[tried.pk]))

    def save_model(self, request: HttpRequest, obj: IdentifierKind, form: Any, change: bool) -> None:
        rebuild.hold()
        before = rules_of(IdentifierKind.objects.get(pk=obj.pk)) if change else {}
        # Which rules the people follow is written by rebuilds alone.
        obj.save(update_fields=KindForm.Meta.fields) if change else obj.save(force_insert=True)
        if rules_of(obj) == before:
            return
        rebuild.ask(in_words(obj, before), request.user.get_username())
        messages.info(
            request,
            "From now on messages are judged by these rules. All people are made anew by them in the background; how far"
            " that is stands on Home and under Rebuilds.",
        )

    def rebuild_view(self, request: HttpRequest) -> HttpResponse:
        """GET asks, POST has people made anew by the rules as they are."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            begun = rebuild.ask("asked for by hand", request.user.get_username())
            return HttpResponseRedirect(reverse("admin:profiles_rebuild_change", args=[begun.pk]))
        context = {**self.admin_site.each_context(request), "title": "Make all people anew", "opts": self.model._meta}
        return TemplateResponse(request, "admin/profiles/identifierkind/rebuild.html", context)

    def shared_view(self, request: HttpRequest) -> HttpResponse:
        """What turned out to be nobody's, to read and search; a POST says what it is."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._state(request)
        typed = asked.words(request.GET.get("q"))
        start = min(asked.whole(request.GET.get("from")) or 0, 1_000_000)
        found = shared.page(typed, start)
        context = {
            **self.admin_site.each_context(request), "title": "Shared identifiers", "opts": self.model._meta,
            "found": found, "typed": typed, "start": start,
            "following": start + shared.PAGE if len(found) == shared.PAGE else None,
            "may_change": self.has_change_permission(request),
        }  # fmt: skip
        return TemplateResponse(request, "admin/profiles/identifierkind/shared.html", context)

    def _state(self, request: HttpRequest) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        kind, value = asked.whole(request.POST.get("kind")) or 0, request.POST.get("value", "")
        ruling = request.POST.get("ruling")
        known = kind < 2**15 and "\0" not in value
        if ruling in ("trusted", "blocked") and known and Identifier.objects.filter(kind_id=kind, value=value).exists():
            try:
                shared.state(kind, value, ruling, request.user.get_username())
            except shared.Full as full:
                messages.error(request, str(full))
            else:
                messages.success(request, "Kept. Whoever it concerns is judged anew in the background.")
        else:
            messages.error(request, "There is no such identifier any more.")
        return HttpResponseRedirect(reverse("admin:profiles_identifierkind_shared"))


@admin.register(Rebuild)
class RebuildAdmin(admin.ModelAdmin):
    """What was made anew, or only tried: how far it is, what came of it. Nothing here can be edited."""

    list_display = ("asked_at", "dry_run", "because", "how_far", "joined", "parted", "asked_by")
    list_filter = ("dry_run",)
    fields = (
        "because",
        "dry_run",
        "how_far",
        "outcome",
        "examples_linked",
        "asked_at",
        "asked_by",
        "began_at",
        "ended_at",
    )
    readonly_fields = fields
    change_form_template = "admin/profiles/rebuild/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        apply = self.admin_site.admin_view(self.apply_view)
        return [path("<int:pk>/apply/", apply, name="profiles_rebuild_apply"), *super().get_urls()]

    @admin.display(description="state")
    def how_far(self, one: Rebuild) -> str:
        if not one.under_way:
            return f"{one.get_step_display()}, in {one.seconds:,.1f} s"
        if one.began_at is None:
            return "waits for a worker"
        row = Progress.objects.filter(name=rebuild.NAME, ended_at=None).first()
        return one.get_step_display() + (f", {row.share:.0%}" if row and not one.dry_run else " …")

    @admin.display(description="outcome")
    def outcome(self, one: Rebuild) -> str:
        if one.profiles_after is None:
            return "counting …" if one.under_way else "-"
        would = "would become" if one.dry_run else "became"
        apart = "would fall" if one.dry_run else "fell"
        said = (
            f"{one.joined:,} profiles {would} part of another, {one.parted:,} {apart} apart:"
            f" {one.profiles_before:,} people before, {one.profiles_after:,} after."
        )
        if one.dry_run and preview.is_estimate(one.proposed or {}):
            said += " An estimate: the messages would be read anew by these rules, and may say other links."
        return said

    @admin.display(description="examples")
    def examples_linked(self, one: Rebuild) -> SafeString | str:
        lines = []
        chosen = {id for example in one.examples for id in example.get("joined") or [example["parted"]]}
        names = {profile.id: str(profile) for profile in Profile.objects.filter(id__in=chosen)}
        for example in one.examples:
            profiles = example.get("joined") or [example["parted"]]
            links = format_html_join(
                " and ", '<a href="{}">{}</a>', ((reverse("person", args=[id]), names.get(id, id)) for id in profiles)
            )
            then = (
                "" if "parted" not in example else f" apart into {example['into']}" if "into" in example else " apart"
            )
            lines.append((links, f": {'one person' if 'joined' in example else then.strip()}"))
        return format_html_join("", "<p>{}{}</p>", lines) or "none"

    def apply_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Save the rules that were tried out, and have people follow them."""
        tried = Rebuild.objects.filter(pk=pk, dry_run=True).first()
        if tried is None or request.method != "POST" or not request.user.has_perm("profiles.change_identifierkind"):
            raise PermissionDenied
        for id, fields in (tried.proposed or {}).items():
            kind = IdentifierKind.objects.filter(pk=int(id)).first()
            form = KindForm({**_as_posted(kind), **fields}, instance=kind) if kind else None
            if form is None or not form.is_valid():
                messages.error(
                    request, "The rules have changed meanwhile, and these don't go with them. Look at the kind."
                )
                return HttpResponseRedirect(reverse("admin:profiles_identifierkind_changelist"))
            form.save()
        begun = rebuild.ask(tried.because, request.user.get_username())
        messages.success(request, "Saved. All people are made anew by these rules in the background.")
        return HttpResponseRedirect(reverse("admin:profiles_rebuild_change", args=[begun.pk]))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Rebuild | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Rebuild | None = None) -> bool:
        return False


def _as_posted(kind: IdentifierKind) -> dict[str, Any]:
    return {name: getattr(kind, name) for name in KindForm.Meta.fields}
