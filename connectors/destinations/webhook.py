"""A signed webhook: the changes as JSON, to an address of the company's own (standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django import forms
from django.utils import timezone

from cdp_site.ids import new_id
from connectors.destinations import base
from connectors.destinations.base import Adopted, Changes, Outcome
from connectors.destinations.fields import SecretField
from connectors.destinations.http import HttpDestination

# After a new secret was stored the old one signs too, so that the receiver can be changed at leisure.
OLD_SECRET_SIGNS_FOR = timedelta(hours=24)
_PREFIX = "whsec_"


class WebhookSettings(base.Settings):
    url = forms.CharField(
        label="Address",
        max_length=500,
        widget=forms.URLInput(attrs={"size": 60}),
        help_text="Where the changes are posted to; https, except within your own network.",
    )
    secret = SecretField(
        label="Signing secret",
        made=True,
        help_text="Begins with whsec_. Leave empty to have one made, which is shown once after saving.",
    )
    new_secret = forms.BooleanField(
        label="Make a new secret",
        required=False,
        help_text="It is shown once after saving. The old one goes on signing beside it for 24 hours.",
    )
    field_order = ["url", "secret", "new_secret", "identifiers", "traits"]

    def clean_url(self) -> str:
        url = self.cleaned_data["url"].strip()
        try:
            parts = urlsplit(url)
            port_is_fine = parts.port is None or parts.port > 0
        except ValueError:
            raise forms.ValidationError(
                "This isn't an address; one looks like https://example.com/audiences."
            ) from None
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
            raise forms.ValidationError("Enter an address that begins with https:// (or http:// in your own network).")
        if parts.username or parts.password:
            raise forms.ValidationError(
                "Leave user name and password out of the address; the signature says who we are."
            )
        return url

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"].strip()
        if secret:
            try:
                key = _key(secret)
            except (ValueError, binascii.Error):
                raise forms.ValidationError("A secret is whsec_ and 24 to 64 bytes in Base64.") from None
            if not secret.startswith(_PREFIX) or not 24 <= len(key) <= 64:
                raise forms.ValidationError("A secret is whsec_ and 24 to 64 bytes in Base64.")
        return secret


class Webhook(HttpDestination):
    kind = "webhook"
    label = "Webhook"
    description = "Posts who joined and who left, signed, to an address of yours."
    settings = WebhookSettings

    def send(self, changes: Changes, body: bytes) -> Outcome:
        return self._post(changes.delivery_id, body)

    def test(self) -> Outcome:
        key = f"test-{new_id()}"
        return self._post(key, msgspec.json.encode({"test": True, "delivery_id": key, "removed": [], "added": []}))

    def _post(self, key: str, body: bytes) -> Outcome:
        stamp = int(time.time())
        signatures = " ".join(sign(secret, key, stamp, body) for secret in self._secrets())
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "webhook-id": key,
            "webhook-timestamp": str(stamp),
            "webhook-signature": signatures,
        }
        return self.post(self.config["url"], body, headers)

    def _secrets(self) -> list[str]:
        """The secret, and the one before it for a day."""
        found = [self.config["secret"]]
        until = self.config.get("old_secret_until")
        if until and timezone.now() < datetime.fromisoformat(until):
            found.append(self.config["old_secret"])
        return found

    @classmethod
    def adopt(cls, stored: Mapping[str, Any], form: base.Settings) -> Adopted:
        config = super().adopt(stored, form).config
        renewed = config.pop("new_secret") and not form.cleaned_data["secret"]
        made = renewed or not config["secret"]
        if made:
            config["secret"] = make_secret()
        config |= {name: stored[name] for name in ("old_secret", "old_secret_until") if name in stored}
        if stored.get("secret") and stored["secret"] != config["secret"]:
            config["old_secret"] = stored["secret"]
            config["old_secret_until"] = (timezone.now() + OLD_SECRET_SIGNS_FOR).isoformat()
        notice = f"The signing secret is {config['secret']} (copy it now; it isn't shown again)."
        return Adopted(config, [notice] if made else [])


def make_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, key: str, stamp: int, body: bytes) -> str:
    """A signature as Standard Webhooks 1.0 defines it: HMAC-SHA256 over id, time (Unix seconds) and body."""
    digest = hmac.new(_key(secret), f"{key}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
