"""What the demo company has set up: sources, segments, and an advertising channel that follows them."""

import base64
import secrets

from django.conf import settings
from django.contrib.auth.models import User

from cdp_site.demo import company
from connectors import settle, sync
from connectors.models import Audience, AudienceSegment, Destination, Source
from segments import changes, library
from segments.models import Segment
from segments.rules import from_json

SEGMENTS = ("recent-buyers", "regulars", "never-bought", "slipping-away", "basket", "readers", "asked-for-help")
CHANNEL = "Ad platform (inside the demo)"
FILE = "Catalogue printers (CSV)"
BANNERS = "Banner network (CSV)"
LOOKED = "Looked around in 30 days"
PATH = "/demo/channel/"


def sources() -> dict[str, int]:
    """The systems' source ids by key, made where they aren't there."""
    found = {}
    for system in company.SYSTEMS:
        source, _ = Source.objects.get_or_create(
            name=system.name, defaults={"category": system.category, "hue": system.hue, "default_country": "ES"}
        )
        found[system.key] = source.pk
    return found


def address() -> str:
    """Where the demo's own web server is reached from this machine."""
    host = "127.0.0.1" if settings.HOST in ("0.0.0.0", "::", "localhost") else settings.HOST
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.PORT}"


def follow_address() -> None:
    """The channel is part of the demo: started on another port, it is found there, and what waited is sent at once."""
    channel = Destination.objects.filter(name=CHANNEL).first()
    if channel and channel.config["url"].endswith(PATH) and channel.config["url"] != address() + PATH:
        channel.config = {**channel.config, "url": address() + PATH}
        channel.save(update_fields=["config"])
        settle.retry_all(channel.pk)


def segments_and_channel() -> None:
    """Segments from the library, and an acquisition audience that leaves out whoever has just bought."""
    by = User.objects.filter(username="marketer").first()
    made = {}
    for key in SEGMENTS:
        ready = library.ready(key)
        assert ready is not None
        found = Segment.objects.filter(name=ready.name).first()
        made[key] = found or changes.create(ready.name, from_json(ready.rule), by, description=ready.explained)
    if not Destination.objects.filter(name=CHANNEL).exists():
        _channel(made)
    if not Destination.objects.filter(name=FILE).exists():
        _file(made)
    if not Destination.objects.filter(name=BANNERS).exists():
        looked = Segment.objects.filter(name=LOOKED).first()
        _banners(looked or changes.create(LOOKED, from_json(_LOOKED), by), made["recent-buyers"])


def _channel(made: dict[str, Segment]) -> None:
    """Acquisition: whoever looks around and has never bought, without anybody who has just bought."""
    config = {
        "url": address() + PATH,
        "secret": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "identifiers": ["email", "phone"],
        "traits": ["country"],
    }
    channel = Destination.objects.create(name=CHANNEL, kind="webhook", config=config)
    audience = Audience.objects.create(destination=channel, name="Acquisition")
    AudienceSegment.objects.create(audience=audience, segment=made["never-bought"], role="include")
    AudienceSegment.objects.create(audience=audience, segment=made["recent-buyers"], role="exclude")
    sync.start(audience)


def _file(made: dict[str, Segment]) -> None:
    """The regulars as a file for the printers of the seasonal catalogue."""
    config = {
        "folder": "catalogue",
        "writes": "both",
        "minutes": 60,
        "identifiers": ["email"],
        "traits": ["name", "city"],
    }
    folder = Destination.objects.create(name=FILE, kind="csv_file", config=config)
    audience = Audience.objects.create(destination=folder, name="Regulars")
    AudienceSegment.objects.create(audience=audience, segment=made["regulars"], role="include")
    sync.start(audience)


_LOOKED = {"all": [{"did": "Page Viewed", "within_days": 30}]}


def _banners(looked: Segment, bought: Segment) -> None:
    """Whom banners may follow: whoever looked around, without those who have just bought."""
    config = {"folder": "banners", "writes": "both", "minutes": 60, "identifiers": ["email"], "traits": []}
    network = Destination.objects.create(name=BANNERS, kind="csv_file", config=config)
    audience = Audience.objects.create(destination=network, name="Retargeting")
    AudienceSegment.objects.create(audience=audience, segment=looked, role="include")
    AudienceSegment.objects.create(audience=audience, segment=bought, role="exclude")
    sync.start(audience)
