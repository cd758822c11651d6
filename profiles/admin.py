"""What of people and identity is in the admin: one module a subject."""

from profiles import admin_acts as admin_acts
from profiles import admin_kinds as admin_kinds
from profiles import admin_matching as admin_matching
