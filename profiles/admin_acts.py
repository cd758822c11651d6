"""What was decided by hand about who is who, for admins to read. It is added to by the acts themselves, and never changed."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from profiles.models import Act


@admin.register(Act)
class ActAdmin(admin.ModelAdmin):
    list_display = ("at", "by", "kind", "reason", "profile_id", "other_id")
    list_filter = ("kind", "by")
    search_fields = ("by", "reason")
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
