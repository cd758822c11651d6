"""What must hold of attribution and experiments; each part has its own module of checks."""

from campaigns.attribution import blocks_check as _blocks  # noqa: F401  (these register their checks)
from campaigns.attribution import doctor as _attribution  # noqa: F401
