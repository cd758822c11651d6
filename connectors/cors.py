"""The tracking API's own short way in, with CORS on every answer: browsers on any site may send, and read errors too.

It stands before sessions, CSRF and sign-in, none of which messages need; a write key is all that counts here, so any
origin may be let in, with its credentials ignored.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, URLResolver
from django.urls.resolvers import RegexPattern

_ALLOWED = "authorization, content-type, content-encoding, x-retry-count, anonymousid, sentat"


class TrackingCors:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._addresses = URLResolver(RegexPattern(r"^/"), "connectors.api_urls")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match = self._match(request.path_info)
        if match is None:
            return self.get_response(request)
        request.resolver_match = match
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
            response["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
            response["Access-Control-Allow-Headers"] = _ALLOWED
            response["Access-Control-Max-Age"] = "86400"
        else:
            response = match.func(request, *match.args, **match.kwargs)
        # Beacons are sent with credentials, and then a browser takes no '*' for an answer.
        response["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
        response["Access-Control-Allow-Credentials"] = "true"
        response["Access-Control-Expose-Headers"] = "retry-after"
        response["Vary"] = "Origin"
        return response

    def _match(self, path: str) -> ResolverMatch | None:
        try:
            return self._addresses.resolve(path)
        except Resolver404:
            return None
