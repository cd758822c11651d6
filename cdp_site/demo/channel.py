"""The demo's other side: an advertising channel that takes signed webhooks in and shows whom it would advertise to.

It only exists in demo mode, and is written as a customer of Tributary would write one: check the signature, count each
delivery once, change the list.
"""

import base64
import hashlib
import hmac
import time
from typing import Any

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from cdp_site.demo.setting import CHANNEL
from cdp_site.models import ChannelDelivery, ChannelPerson
from cdp_site.roles import may
from connectors.models import Destination

OLDEST = 300  # seconds: an older signature may be somebody's recording


@csrf_exempt
@login_not_required
def channel(request: HttpRequest) -> HttpResponse:
    """POST: a delivery. GET: the list, for whoever may see connectors."""
    if request.method == "POST":
        return _take(request)
    if not (request.user.is_authenticated and may(request.user, "connectors")):
        raise PermissionDenied
    shown = {"people": ChannelPerson.objects.all()[:50], "size": ChannelPerson.objects.count()}
    return render(request, "demo/channel.html", {**shown, "deliveries": ChannelDelivery.objects.all()[:20]})


def _take(request: HttpRequest) -> HttpResponse:
    key, stamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    if not _is_signed(key, stamp, request.body, request.headers.get("webhook-signature", "")):
        return JsonResponse({"error": "the signature is wrong"}, status=401)
    told = msgspec.json.decode(request.body)
    if told.get("test"):
        return JsonResponse({"ok": True})
    with transaction.atomic():
        _, new = ChannelDelivery.objects.get_or_create(
            key=key, defaults={"added": len(told["added"]), "removed": len(told["removed"])}
        )
        if new:
            ChannelPerson.objects.filter(pk__in=[int(one["profile_id"]) for one in told["removed"]]).delete()
            ChannelPerson.objects.bulk_create([_person(one) for one in told["added"]], ignore_conflicts=True)
    return JsonResponse({"ok": True})


def _person(told: dict[str, Any]) -> ChannelPerson:
    known = told.get("identifiers", {})
    name = next((str(values[0]) for kind in ("email", "phone") if (values := known.get(kind))), "no address")
    return ChannelPerson(profile_id=int(told["profile_id"]), name=name)


def _is_signed(key: str, stamp: str, body: bytes, signatures: str) -> bool:
    """As the specification says (standardwebhooks.com): v1 is HMAC-SHA256 over 'id.timestamp.body'."""
    destination = Destination.objects.filter(name=CHANNEL).first()
    if destination is None or not (stamp.isascii() and stamp.isdigit()) or abs(time.time() - int(stamp)) > OLDEST:
        return False
    secret = base64.b64decode(str(destination.config["secret"]).removeprefix("whsec_"))
    signed = hmac.new(secret, b".".join([key.encode(), stamp.encode(), body]), hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(signed).decode()
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in signatures.split())
