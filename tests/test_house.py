"""The house's rules that a machine can check: which app may know which, and what a file may hold."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# An app may import itself, the frame's ground floor, and these.
MAY_KNOW = {
    "profiles": set[str](),
    "segments": {"profiles"},
    "connectors": {"profiles", "segments"},
    "campaigns": {"profiles", "segments", "connectors"},
}
# The parts of the frame that know no app, so that every app may use them.
GROUND_FLOOR = {
    "arrays", "assets", "checks", "charts", "database", "ids", "logs", "metrics", "middleware", "models", "roles", "settings",
    "asked", "sql", "stages", "templatetags",
}  # fmt: skip
# Sources know of profiles only its entrance.
ENTRANCE = {"profiles.message", "profiles.inbox"}


def modules(app: str) -> list[Path]:
    return sorted(path for path in (ROOT / app).rglob("*.py") if "__pycache__" not in path.parts)


def imported(path: Path) -> set[str]:
    """All modules that a file imports, 'from a import b' as a.b too (b may be a module)."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("app", MAY_KNOW)
def test_imports_go_one_way(app: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(app)
        for name in imported(path)
        if (top := name.partition(".")[0]) in {*MAY_KNOW, "cdp_site"}
        and top != app
        and (
            top not in MAY_KNOW[app]
            if top != "cdp_site"
            else name != "cdp_site" and name.split(".")[1] not in GROUND_FLOOR
        )
    ]
    assert not wrong


@pytest.mark.parametrize("app", MAY_KNOW)
def test_no_app_uses_anothers_views_forms_or_private_names(app: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(app)
        for name in imported(path)
        if (parts := name.split("."))[0] in MAY_KNOW
        and parts[0] != app
        and (parts[1:2] in (["views"], ["forms"], ["admin"]) or any(part.startswith("_") for part in parts[1:]))
    ]
    assert not wrong


def test_sources_know_only_the_entrance_of_profiles() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules("connectors")
        if path.parent.name == "sources" or path.name == "receive.py"
        for name in imported(path)
        if name.startswith("profiles.") and not any(name == door or name.startswith(f"{door}.") for door in ENTRANCE)
    ]  # fmt: skip
    assert not wrong


def test_no_file_has_outgrown_its_room() -> None:
    crowded = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for app in ("cdp_site", *MAY_KNOW, "tests")
        for path in modules(app)
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > 400
    ]
    assert not crowded


def test_every_module_says_its_purpose_first() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for app in ("cdp_site", *MAY_KNOW)
        for path in modules(app)
        if path.name not in ("__init__.py", "apps.py")
        and "migrations" not in path.parts
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]  # fmt: skip
    assert not silent


def test_only_the_frame_reads_the_environment() -> None:
    wrong = [str(path.relative_to(ROOT)) for app in MAY_KNOW for path in modules(app) if "os" in imported(path)]
    assert not [name for name in wrong if "environ" in (ROOT / name).read_text()]


def test_the_lock_files_name_no_address() -> None:
    for name in ("base.txt", "dev.txt"):
        assert "://" not in (ROOT / "requirements" / name).read_text()


def test_migrations_say_what_the_models_say(db: None) -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_nothing_of_this_machine_is_committed() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout here")
    found = subprocess.run(
        ["git", "grep", "-lE", r"(^|[^A-Za-z0-9_.])/(root|work|farm)/", "--", ":!requirements"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert [name for name in found.stdout.split() if name != "tests/test_house.py"] == []
