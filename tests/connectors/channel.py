"""The other side: a real HTTP receiver that keeps an audience the way a channel would, and small worlds to send to it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from cdp_site.ids import new_id
from connectors import sync
from connectors.models import Audience, AudienceMember, AudienceSegment, Delivery
from profiles.models import Identifier, Profile, ProfileRedirect
from segments.models import ChangedMembership, Membership, Segment
from tests.factories import AudienceFactory, DestinationFactory, ProfileFactory

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
KINDS = {"user_id": 1, "loyalty_card": 2, "email": 3, "phone": 4}


def signature(secret: str, key: str, stamp: str, body: bytes) -> str:
    """Written anew from the specification (standardwebhooks.com), not taken from the code under test."""
    bare = base64.b64decode(secret.split("_", 1)[1])
    return base64.b64encode(
        hmac.new(bare, b".".join([key.encode(), stamp.encode(), body]), hashlib.sha256).digest()
    ).decode()


@dataclass
class Channel:
    """Checks each request, counts each delivery once, and keeps its list both by person and by e-mail address."""

    server: HTTPServer
    secret: str = SECRET
    people: set[int] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    applied: int = 0
    # Answers to give, one each, before it works as it should; None: works.
    answers: list[Response | None] = field(default_factory=list)
    before: Callable[[dict[str, Any]], None] | None = None
    after: Callable[[dict[str, Any]], None] | None = None

    def __post_init__(self) -> None:
        self.server.expect_request("/audience", method="POST").respond_with_handler(self.take)

    @property
    def url(self) -> str:
        return self.server.url_for("/audience")

    def take(self, request: Request) -> Response:
        body, key = request.get_data(), request.headers["Idempotency-Key"]
        assert request.headers["webhook-id"] == key
        expected = "v1," + signature(self.secret, key, request.headers["webhook-timestamp"], body)
        assert expected in request.headers["webhook-signature"].split(" ")
        told = json.loads(body)
        if self.before:
            self.before(told)
        self.requests.append((key, body))
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            return answer
        if key not in self.seen and not told.get("test"):
            self.seen.add(key)
            self.apply(told)
        if self.after:
            self.after(told)
        return Response("{}", content_type="application/json")

    def apply(self, told: dict[str, Any]) -> None:
        self.applied += 1
        for member in told["removed"]:
            self.people.discard(int(member["profile_id"]))
            self.emails.difference_update(member["identifiers"].get("email", []))
        for member in told["added"]:
            self.people.add(int(member["profile_id"]))
            self.emails.update(member["identifiers"].get("email", []))

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]


def person(**identifiers: str) -> Profile:
    """A profile with identifiers: person(email='ana@example.com', user_id='u1')."""
    profile = ProfileFactory(email=identifiers.get("email", ""))
    for kind, value in identifiers.items():
        Identifier.objects.create(kind_id=KINDS[kind], value=value, profile_id=profile.pk)
    return profile


def put_in(segment: Segment, *profiles: Profile) -> None:
    """What the segments stage leaves behind when people enter."""
    now = timezone.now()
    Membership.objects.bulk_create([Membership(profile_id=p.pk, segment_id=segment.pk, since=now) for p in profiles])
    _flip(segment, (p.pk for p in profiles))


def take_out(segment: Segment, *profiles: Profile) -> None:
    Membership.objects.filter(segment_id=segment.pk, profile_id__in=[p.pk for p in profiles]).delete()
    _flip(segment, (p.pk for p in profiles))


def _flip(segment: Segment, profile_ids: Iterable[int]) -> None:
    now = timezone.now()
    ChangedMembership.objects.bulk_create(
        [ChangedMembership(id=new_id(), segment_id=segment.pk, profile_id=one, at=now) for one in profile_ids]
    )


def audience_of(
    channel: Channel, include: Iterable[Segment] = (), exclude: Iterable[Segment] = (), **settings: Any
) -> Audience:
    """An audience at the channel, started and compared."""
    config = {
        "url": channel.url,
        "secret": channel.secret,
        "identifiers": ["user_id", "email"],
        "traits": [],
    } | settings
    audience = AudienceFactory(destination=DestinationFactory(config=config), enabled=False)
    for role, segments in (("include", include), ("exclude", exclude)):
        for segment in segments:
            AudienceSegment.objects.create(audience=audience, segment=segment, role=role)
    sync.start(audience)
    audience.refresh_from_db()
    return audience


def held(audience: Audience) -> set[int]:
    return set(AudienceMember.objects.filter(audience_id=audience.pk, held=True).values_list("profile_id", flat=True))


def latest(audience: Audience) -> Delivery:
    return Delivery.objects.filter(audience=audience).latest("id")


def merge(loser: Profile, winner: Profile) -> None:
    """What resolving leaves behind when two profiles become one (memberships follow in the next stage)."""
    Identifier.objects.filter(profile_id=loser.pk).update(profile_id=winner.pk)
    ProfileRedirect.objects.create(id=loser.pk, profile_id=winner.pk)
    loser_id = loser.pk
    loser.delete()
    loser.pk = loser_id
