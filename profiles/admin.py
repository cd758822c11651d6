"""What of people is seen in the admin: one module a subject."""

from profiles import admin_acts as admin_acts
