"""What of connectors is configured in the admin: one module a subject."""

from connectors import admin_destinations as admin_destinations
from connectors import admin_sources as admin_sources
from connectors import admin_traits as admin_traits
