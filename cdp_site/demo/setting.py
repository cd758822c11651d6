"""What the demo company has set up: sources, segments, and an advertising channel that follows them."""

import base64
import secrets

from django.conf import settings
from django.contrib.auth.models import User

from cdp_site.demo import company
from connectors import sync
from connectors.models import Audience, AudienceSegment, Destination, Source
from segments import changes, library
from segments.models import Segment
from segments.rules import from_json

SEGMENTS = ("recent-buyers", "regulars", "never-bought", "slipping-away", "basket", "readers", "asked-for-help")
CHANNEL = "Ad platform (inside the demo)"


def sources() -> dict[str, int]:
    """The systems' source ids by key, made where they aren't there."""
    found = {}
    for system in company.SYSTEMS:
        source, _ = Source.objects.get_or_create(
            name=system.name, defaults={"category": system.category, "hue": system.hue, "default_country": "ES"}
        )
        found[system.key] = source.pk
    return found


def segments_and_channel() -> None:
    """Segments from the library, and an acquisition audience that leaves out whoever has just bought."""
    by = User.objects.filter(username="marketer").first()
    made = {}
    for key in SEGMENTS:
        ready = library.ready(key)
        assert ready is not None
        found = Segment.objects.filter(name=ready.name).first()
        made[key] = found or changes.create(ready.name, from_json(ready.rule), by, description=ready.explained)
    if Destination.objects.filter(name=CHANNEL).exists():
        return
    config = {
        "url": f"http://127.0.0.1:{settings.PORT}/demo/channel/",
        "secret": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "identifiers": ["email", "phone"],
        "traits": ["country"],
    }
    channel = Destination.objects.create(name=CHANNEL, kind="webhook", config=config)
    audience = Audience.objects.create(destination=channel, name="Acquisition")
    AudienceSegment.objects.create(audience=audience, segment=made["never-bought"], role="include")
    AudienceSegment.objects.create(audience=audience, segment=made["recent-buyers"], role="exclude")
    sync.start(audience)
