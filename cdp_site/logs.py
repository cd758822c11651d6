"""Structured logs: JSON in production, readable on a terminal, and nothing in them that tells about a person.

No body, e-mail, name or query string is logged (write keys travel in query strings). Three nets: structured fields with
personal names are dropped, texts are scrubbed of what looks personal, and Django's request logger says the route that
matched instead of the address that was asked for.
"""

import logging
import logging.config
import re
import sys
from typing import Any, TextIO

import structlog
from django.core.exceptions import PermissionDenied
from structlog.typing import EventDict, Processor, WrappedLogger

PERSONAL = frozenset(
    {
        "address",
        "anonymous_id",
        "birthday",
        "body",
        "city",
        "company",
        "context",
        "device_id",
        "email",
        "e_mail",
        "external_id",
        "first_name",
        "identifiers",
        "ip",
        "ip_address",
        "last_name",
        "loyalty_card",
        "name",
        "params",
        "password",
        "payload",
        "phone",
        "properties",
        "query",
        "query_string",
        "raw",
        "referer",
        "remote_addr",
        "secret",
        "title",
        "token",
        "traits",
        "url",
        "user",
        "user_agent",
        "user_id",
        "username",
        "value",
        "values",
        "write_key",
        "writekey",
    }
)
_SCRUBS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"[^\s@'\"<>(]+@[^\s@'\"<>)]+\.[^\s@'\"<>)]+"), "[e-mail]"),
    (re.compile(r"(?<=[\w/])\?[^\s'\"]+=[^\s'\"]*"), "?[query]"),
    (re.compile(r"\+\d[\d ().-]{6,}\d"), "[phone]"),
    # gunicorn's own words about a request that it can't read; elsewhere a colon means a host of ours and its port.
    (re.compile(r"\bip=\S+"), "[ip]"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?!:)"), "[ip]"),
    # What PostgreSQL adds to an error quotes rows: "Key (value)=(…) already exists".
    (re.compile(r"^(?:DETAIL|CONTEXT|PARAMETERS|LINE \d+): ?.*(?:\n +\^)?", re.MULTILINE), "[detail]"),
]
# Quoted in an exception's message, and not the name of a column or field.
_QUOTED = re.compile(r"(['\"])(?![a-z_.]{1,40}\1)[^'\"\n]*\1")


def scrub(text: str) -> str:
    """`text` without what looks like personal data."""
    for pattern, instead in _SCRUBS:
        text = pattern.sub(instead, text)
    return text


def drop_personal(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: fields with personal names go, all other texts are scrubbed."""
    return {
        key: scrub(value) if isinstance(value, str) else value
        for key, value in event.items()
        if key.lower() not in PERSONAL
    }


def plain_exception(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor: `exc_info` becomes a traceback whose messages quote no values."""
    if isinstance(event.get("exc_info"), tuple) and isinstance(event["exc_info"][1], PermissionDenied):
        event.pop("exc_info")  # Somebody was told no: that is no fault of ours to trace.
    event = structlog.processors.format_exc_info(logger, method, event)
    if isinstance(event.get("exception"), str):
        event["exception"] = "\n".join(
            line if line.startswith("  ") else scrub(_QUOTED.sub("'…'", line))
            for line in event["exception"].splitlines()
        )
    return event


def say_route(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor for Django's own request log: the route that matched, never the address."""
    record = event.get("_record")
    request = getattr(record, "request", None)
    if request is not None and hasattr(request, "method"):
        match = getattr(request, "resolver_match", None)
        status = getattr(record, "status_code", None)
        event["event"] = f"answered {status}" if status else "request"
        event["method"] = request.method
        event["route"] = match.route if match else "(none)"
    return event


class ToStderr(logging.StreamHandler[TextIO]):
    """Writes to what sys.stderr is now, not to what it was when logging was set up."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: `config` has `level` and `json`."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [say_route, structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    last += [plain_exception, drop_personal]
    last.append(structlog.processors.JSONRenderer() if config["json"] else _terminal())
    handler = {"()": ToStderr, "formatter": "tributary"}
    quiet = {
        name: {"level": "WARNING"}
        for name in ("django.db.backends", "httpx", "httpcore", "faker", "stamina", "environ")
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "tributary": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": last,
                    "foreign_pre_chain": [*shared, structlog.stdlib.PositionalArgumentsFormatter()],
                }
            },
            "handlers": {"out": handler},
            "root": {"handlers": ["out"], "level": config["level"]},
            "loggers": {
                **quiet,
                # These bring handlers of their own, which would write unscrubbed.
                "django.server": {"handlers": [], "propagate": True, "level": "WARNING"},
                "django-q": {"handlers": [], "propagate": True, "level": "WARNING"},
                "gunicorn.error": {"handlers": [], "propagate": True},
                "axes": {"level": "CRITICAL"},  # names who failed to sign in; the database has it
            },
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _terminal() -> Processor:
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=30)
