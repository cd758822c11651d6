"""The stage that tidies up: bodies that were worked off a day ago are thrown away."""

from datetime import timedelta

from django.utils import timezone

from cdp_site.stages import stage
from profiles import inbox

# Long enough to look at what came in yesterday, in the live stream.
KEEP_BODIES = timedelta(days=1)


@stage("upkeep", counts="bodies_thrown_away", every=600)
def tidy_up() -> int:
    """Throw away what is no longer needed; a bounded number of rows at a time."""
    return inbox.purge(timezone.now() - KEEP_BODIES)
