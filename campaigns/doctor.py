"""What must hold of campaigns and attribution: each check is beside what it checks, and registered here."""

from campaigns.attribution import blocks_check, channels_check  # noqa: F401
from campaigns.attribution import doctor as _attribution  # noqa: F401
