"""Matching in the admin: the two thresholds, whether it joins by itself, and what the runs found."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from profiles.models import MatchRun, MatchSettings


@admin.register(MatchSettings)
class MatchSettingsAdmin(admin.ModelAdmin):
    """One row, made when it is first looked at."""

    fields = ("joins_by_itself", "joins_above", "asks_above")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            return super().changelist_view(request, extra_context)
        found, _ = MatchSettings.objects.get_or_create(pk=1)
        return HttpResponseRedirect(reverse("admin:profiles_matchsettings_change", args=[found.pk]))

    def view_on_site(self, settings: MatchSettings) -> str:
        return reverse("matches")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: MatchSettings | None = None) -> bool:
        return False


@admin.register(MatchRun)
class MatchRunAdmin(admin.ModelAdmin):
    list_display = ("asked_at", "asked_by", "ended_at", "people", "pairs", "found", "joined", "trouble")
    fields = (*list_display, "outcome")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: MatchRun | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: MatchRun | None = None) -> bool:
        return False
