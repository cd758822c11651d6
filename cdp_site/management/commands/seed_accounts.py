"""`manage.py seed_accounts`: the demo's three log-ins, one a role."""

import json
import secrets
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand, CommandError

from cdp_site.roles import ADMIN, AGENT, MARKETER
from cdp_site.secrets import kept

ACCOUNTS = (
    ("admin", "Ada", "Moreau", ADMIN),
    ("marketer", "Marta", "Lindqvist", MARKETER),
    ("agent", "Aiden", "Okafor", AGENT),
)


class Command(BaseCommand):
    help = "Make the demo's log-ins (admin, marketer, agent) with one password, kept in var/. For demos only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the log-ins as JSON")
        parser.add_argument("--force", action="store_true", help="also where this is no demo")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.DEMO or settings.DEBUG or options["force"]):
            raise CommandError("This is no demo: make accounts with createsuperuser, or say --force.")
        password = self._password()
        for name, first, last, role in ACCOUNTS:
            group, _ = Group.objects.get_or_create(name=role)
            person, made = User.objects.get_or_create(username=name, defaults={"first_name": first, "last_name": last})
            person.is_staff = person.is_superuser = role == ADMIN
            if made or not person.check_password(password):
                person.set_password(password)
            person.save()
            person.groups.set([group])
        found = [{"role": role, "name": name, "password": password} for name, _, _, role in ACCOUNTS]
        if options["json"]:
            self.stdout.write(json.dumps(found))
        else:
            for one in found:
                self.stdout.write(f"{one['role']:<14} {one['name']:<10} {one['password']}")

    @staticmethod
    def _password() -> str:
        return kept(settings.VAR_DIR, "demo_password", lambda: "-".join(secrets.token_hex(3) for _ in range(3)))
