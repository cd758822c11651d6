"""What copies of past events must know: see `profiles.sealing`."""

from django.db import models


class EventSeal(models.Model):
    """One row: no event is stored any more with a key up to `closed_until`."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    closed_until = models.BigIntegerField()

    class Meta:
        db_table = "event_seal"


class UnsealedProfile(models.Model):
    """A person whose events came from, or went to, somebody else by anything but a merge."""

    profile_id = models.BigIntegerField(primary_key=True)
    noticed = models.BooleanField(default=False, help_text="Copies that are being made anew will have it right.")

    class Meta:
        db_table = "unsealed_profile"
