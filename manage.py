#!/usr/bin/env python
"""Command line of Tributary: `manage.py help` lists what it can do."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp_site.settings")
    from cdp_site import database

    database.use_embedded_unless_configured(sys.argv)
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)  # Ctrl-C, as shells say it; a traceback would only look like a fault
