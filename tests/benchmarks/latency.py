"""From the acknowledgement of a message to the webhook's request, on an otherwise idle system, everything real."""

import json
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import httpx
import numpy as np

from cdp_site import stages
from connectors import sync
from connectors.models import Audience, AudienceSegment, Destination, Source
from segments import changes
from segments.models import Segment
from segments.rules import from_json
from tests.live import Web, Workers

PROBES = 60


@contextmanager
def receiver() -> Iterator[tuple[str, dict[str, float]]]:
    """A channel that notes when it was told of each e-mail address."""
    heard: dict[str, float] = {}

    class Channel(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            at = time.perf_counter()
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for member in told.get("added", []):
                for email in member["identifiers"].get("email", []):
                    heard.setdefault(email, at)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Channel)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", heard
    finally:
        server.shutdown()


def run() -> dict[str, object]:
    source, _ = Source.objects.get_or_create(name="Benchmark")
    Segment.objects.filter(name__startswith="Benchmark").delete()
    with receiver() as (url, heard):
        audience = _audience(url)
        stages.drain_all()
        web, workers = Web(), Workers()
        try:
            web.start()
            workers.start()
            web.wait()
            time.sleep(4)  # until the workers are up and have nothing left to do
            taken = _probe(web, source, heard)
        finally:
            workers.stop()
            web.stop()
            sync.pause(audience)
    return {
        "probes": len(taken),
        "acknowledgement to webhook, median ms": round(float(np.median(taken))),
        "acknowledgement to webhook, p95 ms": round(float(np.percentile(taken, 95))),
        "acknowledgement to webhook, slowest ms": round(max(taken)),
    }


def _audience(url: str) -> Audience:
    rule = from_json({"did": "Latency Probed", "at_least": 1, "within_days": 1})
    segment = changes.create(f"Latency {uuid4().hex[:8]}", rule)
    secret = "whsec_" + b64encode(b"0123456789abcdef0123456789abcdef").decode()
    config = {"url": url, "secret": secret, "identifiers": ["email"], "traits": []}
    channel = Destination.objects.create(name=f"Latency {uuid4().hex[:8]}", kind="webhook", config=config)
    audience = Audience.objects.create(destination=channel, name="Latency")
    AudienceSegment.objects.create(audience=audience, segment=segment)
    sync.start(audience)
    return audience


def _probe(web: Web, source: Source, heard: dict[str, float]) -> list[float]:
    """Milliseconds of each probe: a new person does it, and the channel hears of her."""
    taken = []
    with httpx.Client(auth=(source.write_key, "")) as client:
        for number in range(PROBES):
            email = f"{uuid4().hex}@example.com"
            message = {"event": "Latency Probed", "properties": {"email": email}, "messageId": uuid4().hex}
            answer = client.post(f"{web.url}/v1/track", json=message)
            acknowledged = time.perf_counter()
            answer.raise_for_status()
            deadline = acknowledged + 20
            while email not in heard and time.perf_counter() < deadline:
                time.sleep(0.002)
            taken.append((heard[email] - acknowledged) * 1000)
            time.sleep(0.05 + 0.013 * (number % 17))  # at any moment of the queue's and the clock's pulses
    return taken
