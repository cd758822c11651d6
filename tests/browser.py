"""Finds a Chromium for the browser journeys, or installs one: Debian's when root, else Playwright's own.

`python -m tests.browser` (make test) sees that there is one and never fails: without a browser it says so loudly, and
the rest of the suite runs. `executable()` is for the tests.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
LOUD = """
*******************************************************************************
  NO BROWSER: no Chromium was found, and none could be installed.
  The browser journeys and the accessibility checks DO NOT RUN. Everything else does.
  Install one (Debian: apt-get install chromium), or name it: CHROMIUM=/path/to/chromium make test
*******************************************************************************
"""


def executable() -> Path | None:
    """A Chromium that starts here: $CHROMIUM, one on the PATH, else Playwright's own."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [path for name in NAMES if (path := shutil.which(name))]
    if not named and (own := _of_playwright()):
        found.append(own)
    return next((Path(path) for path in found if _starts(path)), None)


def _of_playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def _starts(path: str) -> bool:
    # A package that lacks a library, or a stub that only points at a shop, is no browser.
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and any(word in done.stdout for word in ("Chromium", "Chrome"))


def install() -> None:
    """Try what this machine allows; whether it worked, `executable` tells."""
    attempts = []
    if os.geteuid() == 0 and shutil.which("apt-get"):
        attempts.append(
            "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium"
        )
    attempts.append(f"{sys.executable} -m playwright install chromium")
    for command in attempts:
        print(f"Installing a browser: {command}", flush=True)
        subprocess.run(["sh", "-c", command], stdout=subprocess.DEVNULL, check=False, timeout=900)
        if executable():
            return


def main() -> None:
    if not executable():
        install()
    if not executable():
        print(LOUD, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
