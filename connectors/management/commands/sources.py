"""`manage.py sources`: list them, create one, give one a new key."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from connectors.models import Source, new_write_key


class Command(BaseCommand):
    help = "List sources, create one, or give one a new write key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="{list,create,new-key}")
        for name, said in (
            ("list", "all sources"),
            ("create", "add a source"),
            ("new-key", "give a source a new write key"),
        ):
            act = acts.add_parser(name, help=said)
            act.add_argument("--json", action="store_true", help="print JSON")
            if name != "list":
                act.add_argument("--name", required=True, help="the source's name")
            if name == "create":
                act.add_argument("--kind", default="http", choices=["http"], help="how it sends (http)")
                act.add_argument("--country", default="ES", help="for phone numbers written without +: two letters")

    def handle(self, *args: Any, **options: Any) -> None:
        found = getattr(self, options["act"].replace("-", "_"))(options)
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        for one in found if isinstance(found, list) else [found]:
            self.stdout.write(f"{one['id']}  {one['name']:<30} {one['write_key']}")

    def list(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        return [_shown(source) for source in Source.objects.all()]

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        source = Source(name=options["name"], kind=options["kind"], default_country=options["country"].upper())
        try:
            source.full_clean()
        except ValidationError as error:
            reasons = "; ".join(f"{field}: {' '.join(said)}" for field, said in error.message_dict.items())
            raise CommandError(f"The source was not created. {reasons}") from None
        source.save()
        return _shown(source)

    def new_key(self, options: dict[str, Any]) -> dict[str, Any]:
        source = Source.objects.filter(name=options["name"]).first()
        if source is None:
            raise CommandError(f"There is no source called {options['name']!r}; see `manage.py sources list`.")
        source.write_key = new_write_key()
        source.save(update_fields=["write_key"])
        return _shown(source)


def _shown(source: Source) -> dict[str, Any]:
    return {"id": source.pk, "name": source.name, "write_key": source.write_key}
