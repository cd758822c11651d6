"""What of people is configured in the admin: one module a subject."""

from profiles import admin_matching as admin_matching
