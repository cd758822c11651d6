"""Who may see and do what: agents see people, marketers segments and campaigns too, admins connectors and secrets."""

from typing import Any

from django.http import HttpRequest

AGENT, MARKETER, ADMIN = "Support agent", "Marketer", "Admin"


def navigation(request: HttpRequest) -> dict[str, Any]:
    return {}
