"""The addresses of the tracking API: Segment's, its browser SDK's short ones, RudderStack's."""

from django.urls import re_path

from connectors.receive import browser_settings, receive, source_config, unknown

TYPES = ("track", "identify", "page", "screen", "group", "alias", "batch", "import", "record")
SHORT = {"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias", "b": "batch"}

urlpatterns = [
    *(re_path(rf"^v1/{type}/?$", receive, {"hint": type}, name=f"v1/{type}") for type in TYPES),
    *(re_path(rf"^(?:v1/)?{short}/?$", receive, {"hint": type}, name=f"v1/{type}") for short, type in SHORT.items()),
    re_path(r"^beacon/v1/batch/?$", receive, {"hint": "batch"}, name="v1/batch"),
    re_path(r"^v1/projects/(?P<write_key>[^/]+)/settings/?$", browser_settings, name="v1/settings"),
    re_path(r"^sourceConfig/?$", source_config, name="sourceConfig"),
    re_path(r"^v1(?:/.*)?$", unknown, name="v1/unknown"),
]
