"""Where destinations and audiences are configured: settings by kind, a preview before anything is sent, states in words."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminRadioSelect
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import Field
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from connectors import settle, status, sync
from connectors.destinations import UnknownKind, all_kinds, of_kind
from connectors.destinations.base import Outcome, Settings, Verdict
from connectors.models import Audience, AudienceSegment, Delivery, Destination


class NewDestinationForm(forms.ModelForm):
    """The first step: which kind. Its settings come next."""

    kind = forms.ChoiceField(
        widget=AdminRadioSelect(attrs={"class": "radiolist"}),
        choices=lambda: [(one.kind, f"{one.label}: {one.description}") for one in all_kinds().values()],
    )

    class Meta:
        model = Destination
        fields = ["name", "kind"]


class DestinationForm(forms.ModelForm):
    """A destination with the settings of its kind; the fields are those of the kind's own form."""

    class Meta:
        model = Destination
        fields = ["name", "enabled"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.inner: Settings = of_kind(self.instance.kind).settings(
            self.data if self.is_bound else None, stored=self.instance.config
        )
        for name, field in self.inner.fields.items():
            self.fields[name] = field
            self.initial.setdefault(name, self.inner.get_initial_for_field(field, name))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, errors in self.inner.errors.items():
            if name not in self.errors:
                self.add_error(name if name in self.fields else None, errors)
        return cleaned


@admin.register(Destination)
class DestinationAdmin(admin.ModelAdmin):
    list_display = ["name", "kind_label", "enabled", "state"]
    search_fields = ["name"]
    actions = ["test_connection", "pause", "resume", "retry_now"]
    change_form_template = "admin/connectors/destination/change_form.html"

    def get_form(
        self, request: HttpRequest, obj: Destination | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            return NewDestinationForm
        fields = _settings_of(obj).base_fields
        return type("SettingsForm", (DestinationForm,), dict(fields)) if fields else _OnlyName

    def get_fieldsets(self, request: HttpRequest, obj: Destination | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["name", "kind"]})]
        fields = list(_settings_of(obj)().fields) if _settings_of(obj).base_fields else []
        return [(None, {"fields": ["name", "enabled"]}), (_label(obj), {"fields": fields})]

    def get_urls(self) -> list[URLPattern]:
        test = self.admin_site.admin_view(self.test_view)
        return [path("<int:pk>/test/", test, name="connectors_destination_test"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Destination, form: Any, change: bool) -> None:
        if change and isinstance(form, DestinationForm):
            before, adopted = obj.config, of_kind(obj.kind).adopt(obj.config, form.inner)
            obj.config = adopted.config
            if before.get("identifiers") != obj.config["identifiers"]:
                transaction.on_commit(lambda: [sync.compare(one) for one in obj.audiences.filter(enabled=True)])
            for notice in adopted.notices:
                messages.warning(request, notice)
        super().save_model(request, obj, form, change)
        if change:
            settle.retry_all(obj.pk)

    def response_add(
        self, request: HttpRequest, obj: Destination, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.info(request, f"Now the settings of {obj.name}. Nothing is sent before you start an audience.")
        return HttpResponseRedirect(reverse("admin:connectors_destination_change", args=[obj.pk]))

    @admin.display(description="Kind")
    def kind_label(self, obj: Destination) -> str:
        return _label(obj)

    @admin.display(description="State")
    def state(self, obj: Destination) -> str:
        """One look at all of a destination's audiences; there are few destinations in a company."""
        if not obj.config:
            return "No settings yet"
        ids = list(obj.audiences.values_list("pk", flat=True))
        return "; ".join(f"{one.audience}: {one.state.value}" for one in status.statuses(ids)) or "No audiences yet"

    @admin.action(description="Test connection", permissions=["change"])
    def test_connection(self, request: HttpRequest, queryset: models.QuerySet[Destination]) -> None:
        for destination in queryset:
            self._test(request, destination)

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        destination = get_object_or_404(Destination, pk=pk)
        if not self.has_change_permission(request, destination):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._test(request, destination)
        return HttpResponseRedirect(reverse("admin:connectors_destination_change", args=[pk]))

    def _test(self, request: HttpRequest, destination: Destination) -> None:
        outcome = try_settings(destination)
        if outcome.verdict is Verdict.DELIVERED:
            messages.success(request, f"{destination.name}: it works.")
        else:
            messages.error(request, f"{destination.name}: {outcome.reason}")

    @admin.action(description="Pause (send nothing)", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: models.QuerySet[Destination]) -> None:
        queryset.update(enabled=False)
        messages.success(request, "Paused. What changes meanwhile is sent when it is resumed.")

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: models.QuerySet[Destination]) -> None:
        queryset.update(enabled=True)
        self.retry_now(request, queryset)

    @admin.action(description="Retry now", permissions=["change"])
    def retry_now(self, request: HttpRequest, queryset: models.QuerySet[Destination]) -> None:
        for destination in queryset:
            settle.retry_all(destination.pk)
        messages.success(request, "Whatever was waiting is tried now.")


class _OnlyName(forms.ModelForm):
    """For a destination whose module isn't installed."""

    class Meta:
        model = Destination
        fields = ["name", "enabled"]


def try_settings(destination: Destination) -> Outcome:
    """Test a destination as it is stored; a kind that is gone or has no settings yet says so."""
    if not destination.config:
        return Outcome(Verdict.REFUSED, "Save the settings first.")
    try:
        return of_kind(destination.kind)(destination.config).test()
    except UnknownKind as error:
        return Outcome(Verdict.REFUSED, str(error))


def _settings_of(destination: Destination) -> type[Settings] | type[forms.Form]:
    try:
        return of_kind(destination.kind).settings
    except UnknownKind:
        return forms.Form


def _label(destination: Destination) -> str:
    try:
        return of_kind(destination.kind).label
    except UnknownKind as error:
        return str(error)


class SegmentsInline(admin.TabularInline):
    model = AudienceSegment
    fields = ["role", "segment"]
    extra = 1
    verbose_name = "segment"
    verbose_name_plural = "Segments: in any of the included and in none of the excluded"

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **given: Any) -> Any:
        """A table names its columns in the head; each control says its name for those who don't see that."""
        field = super().formfield_for_dbfield(db_field, request, **given)
        if field is not None:
            field.widget.attrs["aria-label"] = db_field.verbose_name
        return field


_ACTS: dict[str, tuple[Callable[[Audience], None], str]] = {
    "start": (sync.start, "Started. Changes are sent from now on."),
    "pause": (sync.pause, "Paused. What changes meanwhile is sent when it is started again."),
    "compare": (sync.compare, "It is being compared with its segments."),
    "send-everybody": (sync.send_everybody, "Everybody is sent again."),
    "retry": (lambda audience: settle.retry_all(audience.destination_id), "Whatever was waiting is tried now."),
}


@admin.register(Audience)
class AudienceAdmin(admin.ModelAdmin):
    """An audience is started and paused by buttons of its page, never by saving its form."""

    list_display = ["name", "destination", "segments_in_words", "state"]
    list_filter = ["destination", "enabled"]
    search_fields = ["name"]
    fields = ["name", "destination"]
    inlines = [SegmentsInline]
    actions = ["pause", "compare", "retry_now"]
    change_form_template = "admin/connectors/audience/change_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Audience | None = None) -> list[str]:
        return ["destination"] if obj else []

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Audience]:
        return super().get_queryset(request).select_related("destination").prefetch_related("segments__segment")

    def get_urls(self) -> list[URLPattern]:
        act = self.admin_site.admin_view(self.act_view)
        return [path("<int:pk>/<slug:act>/do/", act, name="connectors_audience_act"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Audience, form: Any, change: bool) -> None:
        if change:  # only what was edited: the stages write to the row as well
            obj.save(update_fields=[name for name in form.changed_data if name in ("name",)] or ["name"])
        else:
            obj.enabled = False
            obj.save()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Other segments are looked at before they are sent: the audience waits for somebody to confirm the preview."""
        super().save_related(request, form, formsets, change)
        if change and any(formset.has_changed() for formset in formsets):
            sync.pause(form.instance)

    def _response(self, request: HttpRequest, obj: Audience, otherwise: HttpResponse) -> HttpResponse:
        obj.refresh_from_db(fields=["enabled"])
        if obj.enabled or "_save" not in request.POST:
            return otherwise
        messages.info(request, "Saved. Nothing is sent until you confirm what would change.")
        return HttpResponseRedirect(reverse("admin:connectors_audience_act", args=[obj.pk, "start"]))

    def response_add(self, request: HttpRequest, obj: Audience, post_url_continue: str | None = None) -> HttpResponse:
        return self._response(request, obj, super().response_add(request, obj, post_url_continue))

    def response_change(self, request: HttpRequest, obj: Audience) -> HttpResponse:
        return self._response(request, obj, super().response_change(request, obj))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        audience = kwargs.get("obj")
        if audience is not None and audience.pk:
            context |= {"status": status.status(audience.pk), "preview": sync.preview(audience)}
        return super().render_change_form(request, context, *args, **kwargs)

    def act_view(self, request: HttpRequest, pk: int, act: str) -> HttpResponse:
        """GET asks, POST does. Starting shows what would be sent first."""
        audience = get_object_or_404(Audience.objects.select_related("destination"), pk=pk)
        if not self.has_change_permission(request, audience) or act not in _ACTS:
            raise PermissionDenied
        back = reverse("admin:connectors_audience_change", args=[pk])
        if request.method == "POST":
            do, said = _ACTS[act]
            do(audience)
            messages.success(request, said)
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{audience.name} at {audience.destination.name}",
            "opts": self.model._meta,
            "audience": audience,
            "act": act,
            "preview": sync.preview(audience),
            "back": back,
        }
        return TemplateResponse(request, "admin/connectors/audience/confirm.html", context)

    @admin.display(description="Segments")
    def segments_in_words(self, obj: Audience) -> str:
        parts = list(obj.segments.all())
        included = [part.segment.name for part in parts if part.role == "include"]
        excluded = [part.segment.name for part in parts if part.role == "exclude"]
        return (" or ".join(included) or "nobody") + (f", without {' or '.join(excluded)}" if excluded else "")

    @admin.display(description="State")
    def state(self, obj: Audience) -> str:
        found = status.status(obj.pk)
        return f"{found.state.value}: {found.sentence}"

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: models.QuerySet[Audience]) -> None:
        self._each(request, queryset, "pause")

    @admin.action(description="Compare with the segments again", permissions=["change"])
    def compare(self, request: HttpRequest, queryset: models.QuerySet[Audience]) -> None:
        self._each(request, queryset, "compare")

    @admin.action(description="Retry now", permissions=["change"])
    def retry_now(self, request: HttpRequest, queryset: models.QuerySet[Audience]) -> None:
        self._each(request, queryset, "retry")

    def _each(self, request: HttpRequest, queryset: models.QuerySet[Audience], act: str) -> None:
        do, said = _ACTS[act]
        for audience in queryset:
            do(audience)
        messages.success(request, said)


@admin.register(Delivery)
class DeliveryAdmin(admin.ModelAdmin):
    """What was sent: numbers and states, never who. Nothing here can be edited."""

    list_display = (
        "created_at",
        "audience",
        "state",
        "adds",
        "removes",
        "attempts",
        "done_at",
        "next_attempt",
        "error",
    )
    list_filter = ["state", "audience__destination", "audience"]
    list_select_related = ["audience"]
    fields = ("id", *list_display)
    readonly_fields = fields
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Delivery]:
        return super().get_queryset(request).defer("body")

    @admin.display(description="Next attempt")
    def next_attempt(self, obj: Delivery) -> Any:
        return obj.next_attempt_at if obj.state == Delivery.State.PENDING else None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False
