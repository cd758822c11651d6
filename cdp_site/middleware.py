"""What holds for every request: how long it took, by view; a request id for the logs, and a line when it failed or was
slow; and that pages with people on them stay in nobody's cache.
"""

import time
import uuid
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import structlog
from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from cdp_site.metrics import REQUESTS

log = structlog.get_logger(__name__)
SLOW = 1.0  # seconds
SIGN_IN = "/sign-in/"


class ObserveRequests:
    """First in line, so that what the others do counts too. Cost: about 20 µs a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=uuid.uuid4().hex)
        try:
            response = self.get_response(request)
            seconds = time.perf_counter() - started
            # Of what the client sent only names of ours are kept: an unknown method would be a label of its own.
            match = request.resolver_match
            view = (match.view_name or match.route) if match else "(no view)"
            method = request.method if request.method in _METHODS else "other"
            REQUESTS.labels(view, method, str(response.status_code)).observe(seconds)
            if response.status_code >= 500 or seconds > SLOW:
                log.warning(
                    "request", view=view, method=method, status=response.status_code, milliseconds=round(seconds * 1000)
                )
            return response
        finally:
            structlog.contextvars.clear_contextvars()


_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})


class Whole(HtmxDetails):
    """A page that the Back button asks htmx for again is a whole page, not the fragment that it was reached by."""

    def __bool__(self) -> bool:
        return super().__bool__() and not self.history_restore_request


class AskedByHtmx:
    """`request.htmx`: true where a fragment is wanted."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.htmx = Whole(request)  # type: ignore[attr-defined]
        return self.get_response(request)


class KeepPrivate:
    """What somebody sees who is signed in isn't kept: not by a proxy, nor by the browser for the next one who sits there,
    nor on a page whose session has ended: when that asks for news, the whole page goes to sign-in, and back.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        if request.headers.get("HX-Request") and response.headers.get("Location", "").startswith(SIGN_IN):
            page = urlsplit(request.headers.get("HX-Current-URL", ""))
            back = urlencode({"next": f"{page.path or '/'}?{page.query}".rstrip("?")})
            return HttpResponse(status=204, headers={"HX-Redirect": f"{SIGN_IN}?{back}"})
        return response
