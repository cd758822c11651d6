"""What must hold of attribution and experiments; each part has its own module of checks."""

from campaigns.attribution import blocks_check, channels_check  # noqa: F401  (registers their checks)
from campaigns.attribution import doctor as _attribution  # noqa: F401  (registers its checks)
from campaigns.experiments import doctor as _experiments  # noqa: F401  (registers its checks)
