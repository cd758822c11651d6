"""Sources in the admin: add one, copy its key on its page, give it a new one. What was rejected, and what waits."""

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connectors.authenticate import forget
from connectors.models import Source, new_write_key
from profiles import inbox
from profiles.models import Rejected


@admin.register(Source)
class SourceAdmin(admin.ModelAdmin):
    list_display = ("name", "kind", "category", "enabled", "page")
    list_filter = ("enabled", "category")
    search_fields = ("name",)
    fields = ("name", "category", "default_country", "hue", "enabled", "rate_limit", "write_key")
    readonly_fields = ("write_key",)
    actions = ("give_new_key",)

    @admin.display(description="state and set-up")
    def page(self, source: Source) -> SafeString:
        return format_html('<a href="{}">open</a>', reverse("source", args=[source.pk]))

    def get_fields(self, request: HttpRequest, obj: Source | None = None) -> tuple[str, ...]:
        return self.fields if obj else self.fields[:-1]

    def view_on_site(self, source: Source) -> str:
        return reverse("source", args=[source.pk])

    def save_model(self, request: HttpRequest, obj: Source, form: object, change: bool) -> None:
        super().save_model(request, obj, form, change)
        forget()

    @admin.action(description="Give them new write keys (the old ones stop within seconds)")
    def give_new_key(self, request: HttpRequest, chosen: QuerySet[Source]) -> None:
        for source in chosen:
            source.write_key = new_write_key()
            source.save(update_fields=["write_key"])
        forget()
        self.message_user(request, "New keys are on the sources' pages.", messages.SUCCESS)


@admin.register(Rejected)
class RejectedAdmin(admin.ModelAdmin):
    list_display = ("id", "source_name", "stage", "field", "reason", "received_at", "replayed_at")
    list_filter = ("stage", "replayed_at")
    fields = ("source_name", "stage", "field", "reason", "received_at", "replayed_at", "message")
    readonly_fields = fields
    actions = ("replay",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rejected]:
        name = Source.objects.filter(pk=OuterRef("source_id")).values("name")
        return super().get_queryset(request).defer("payload").annotate(sent_by=Subquery(name))

    @admin.display(description="source")
    def source_name(self, rejected: Rejected) -> str:
        return getattr(rejected, "sent_by", None) or str(rejected.source_id)

    @admin.display(description="message")
    def message(self, rejected: Rejected) -> SafeString:
        return format_html("<pre>{}</pre>", bytes(rejected.payload).decode("utf-8", "replace"))

    @admin.action(description="Send them through the inbox again")
    def replay(self, request: HttpRequest, chosen: QuerySet[Rejected]) -> None:
        number = inbox.replay_rejected(list(chosen.values_list("pk", flat=True)[:10_000]))
        self.message_user(request, f"{number} sent through again; what is still wrong comes back.", messages.SUCCESS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Rejected | None = None) -> bool:
        return False
