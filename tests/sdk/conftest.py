"""Playwright runs its loop in this thread, and Django takes that for an asynchronous caller."""

import os

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
