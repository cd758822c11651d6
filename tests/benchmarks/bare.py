"""The least that durability needs: a WSGI application that inserts the body as one row and answers 200."""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

_local = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if body:
        if not hasattr(_local, "connection"):
            _local.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
            _local.connection.execute("CREATE TABLE IF NOT EXISTS bare_inbox (body bytea)")
        _local.connection.execute("INSERT INTO bare_inbox VALUES (%b)", (body,))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "16")])
    return [b'{"success":true}']
