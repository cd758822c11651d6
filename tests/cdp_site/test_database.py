"""The database: whatever DATABASE_URL says wrongly is one clear line; the embedded server is shared and never left over."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest

from cdp_site import database
from cdp_site.installed import OLDEST, Problem, account_for, binaries_for
from tests.installation import USES_THE_SERVER, Installation, installation, one_line, small_disk, until
from tests.live import free_port


@pytest.fixture(scope="module")
def own() -> Iterator[Installation]:
    with installation() as made:
        made.server.use()
        made.server.release()
        yield made


@pytest.fixture
def apart(own: Installation) -> Iterator[Installation]:
    """An installation whose server doesn't run, and runs no longer afterwards."""
    yield own
    own.server.release()
    left = [] if until(lambda: not own.living()) else own.end_what_lives()
    assert left == []


def url_of_the_tests(**change: str) -> str:
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(**change))


# What DATABASE_URL may say wrongly


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgres://ana:s3cret@127.0.0.1:{closed}/shop", "127.0.0.1:{closed}/shop, and nothing answers there."),
        ("postgres://ana:s3cret@nowhere.invalid/shop", "nowhere.invalid/shop, and there is no such host."),
        ("postgres:///shop?host=/nowhere", "the local socket/shop, and there is no such socket."),
        ("mysql://ana:s3cret@127.0.0.1/shop", "must name a PostgreSQL: postgres://user:password@host:5432/name."),
        ("s3cret", "must name a PostgreSQL: postgres://user:password@host:5432/name."),
        ("postgres://ana:s3cret@[::1/shop", "can't be read; it looks like postgres://user:password@host:5432/name."),
        ("postgres://ana:s3cret@127.0.0.1:port/shop", "can't be read; it looks like"),
        ("postgres://ana:s3cret@127.0.0.1:99999/shop", "can't be read; it looks like"),
        ("postgres://ana:s3cret@127.0.0.1:{closed}/", "names no database; it looks like"),
        ("postgres://ana:s3cret@127.0.0.1:{closed}/shop?colour=red", 'invalid connection option "colour"'),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line(own: Installation, url: str, said: str) -> None:
    closed = str(free_port())
    done = own.manage("migrate", DATABASE_URL=url.replace("{closed}", closed))
    line = one_line(done)
    assert line.startswith("Tributary: DATABASE_URL ")
    assert said.replace("{closed}", closed) in line
    assert "s3cret" not in line


@pytest.mark.parametrize("command", ["check", "demo", "collectstatic"])
def test_commands_that_do_without_a_database_say_so_too(own: Installation, command: str) -> None:
    done = own.manage(command, DATABASE_URL="postgres://ana@127.0.0.1:port/shop")
    assert "can't be read" in one_line(done)


def test_a_database_that_does_not_exist_is_one_line(own: Installation) -> None:
    done = own.manage("doctor", DATABASE_URL=url_of_the_tests(path="/not_made_yet"))
    assert "make it with createdb" in one_line(done)


def test_a_wrong_password_is_one_line(apart: Installation) -> None:
    url = apart.server.use()
    password = (apart.folder / "postgres/password").read_text()
    done = apart.manage("doctor", DATABASE_URL=url.replace(password, "guessed"))
    line = one_line(done)
    assert "it refuses the user name or password" in line
    assert "guessed" not in line


def test_what_a_url_says_about_connecting_wins(apart: Installation) -> None:
    url = f"{apart.server.use()}&connect_timeout=7&application_name=shop"
    database.check(url)
    assert database.read(url)["OPTIONS"]["connect_timeout"] == 7


# Which versions will do


@pytest.mark.parametrize(("version", "will_do"), [(90_624, False), (150_099, False), (160_000, True), (180_001, True)])
def test_servers_before_16_are_refused(version: int, will_do: bool) -> None:
    said = database.explain_version(version)
    assert (said == "") is will_do
    assert will_do or f"PostgreSQL {version // 10_000}; Tributary needs {OLDEST} or later" in said


def test_the_server_of_these_tests_is_new_enough() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as found:
        assert found.info.server_version >= OLDEST * 10_000
    database.check(os.environ["DATABASE_URL"])


def test_a_server_that_is_too_old_is_one_line(own: Installation) -> None:
    older = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if int(path.parent.name) < OLDEST]
    if not older:
        pytest.skip(f"no PostgreSQL older than {OLDEST} is installed here")
    account, port = account_for(own.server.data), free_port()
    with installation() as place:
        place.folder.joinpath("old").mkdir()
        os.chown(place.folder / "old", account.uid, account.gid)
        at = str(place.folder / "old")
        made = [str(older[0] / "initdb"), "-D", at, "-A", "trust", "-U", "ana", "-E", "UTF8", "--no-sync"]
        subprocess.run(made, capture_output=True, check=True, cwd="/", **account.popen)
        options = ["-p", str(port), "-k", at, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        running = subprocess.Popen(
            [older[0] / "postgres", "-D", at, *options], stderr=subprocess.DEVNULL, **account.popen
        )
        try:
            assert until((place.folder / f"old/.s.PGSQL.{port}").exists)
            done = place.manage("migrate", DATABASE_URL=f"postgres://ana@127.0.0.1:{port}/postgres")
        finally:
            running.send_signal(signal.SIGINT)
            running.wait()
    assert f"leads to PostgreSQL {older[0].parent.name}; Tributary needs {OLDEST} or later." in one_line(done)


def test_data_of_a_version_that_is_gone_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("12\n")
    with pytest.raises(Problem, match=r"was made by PostgreSQL 12; .* Install PostgreSQL 12, or set DATABASE_URL"):
        binaries_for(tmp_path, account_for(tmp_path / "nothing"))
    assert [path.name for path in tmp_path.iterdir()] == ["PG_VERSION"]


# The embedded server


def user_of(place: Installation) -> "subprocess.Popen[str]":
    """A process that uses the server until it is ended."""
    return place.start("-c", USES_THE_SERVER)


def url_for(user: "subprocess.Popen[str]") -> str:
    """Waits until it has the server."""
    assert user.stdout is not None
    url = user.stdout.readline().strip()
    assert url, user.communicate()[1]
    return url


def test_two_commands_at_once_make_one_database_and_share_one_server() -> None:
    with installation() as fresh:
        first, second = user_of(fresh), user_of(fresh)
        assert url_for(first) == url_for(second)
        pid = fresh.server.postmaster()
        servers = [line for line in fresh.living() if " -D " in line and "cdp_site.keeper" not in line]
        assert len(servers) == 1 and servers[0].startswith(f"{pid} ")

        first.communicate("\n")
        assert fresh.server.answers(), "the second one still uses it"
        assert fresh.server.postmaster() == pid
        second.communicate("\n")
        assert until(lambda: not fresh.living()), fresh.living()


def test_the_server_ends_when_its_last_user_was_killed(apart: Installation) -> None:
    users = [user_of(apart), user_of(apart)]
    [url_for(user) for user in users]
    for user in users:
        assert apart.server.answers(), "somebody still uses it"
        user.kill()
        user.wait()
    assert until(lambda: not apart.living()), apart.living()
    assert apart.server.postmaster() is None


def test_a_command_leaves_no_server_behind(apart: Installation) -> None:
    done = apart.manage("migrate", "axes", "--plan")
    assert done.returncode == 0, done.stderr
    assert until(lambda: not apart.living()), apart.living()


def test_started_by_hand_it_stays_until_it_is_stopped(apart: Installation) -> None:
    assert "is running" in apart.manage("database", "start").stdout
    assert f"running (process {apart.server.postmaster()})" in apart.manage("database", "status").stdout
    user = user_of(apart)
    url_for(user)
    assert "Another command uses PostgreSQL" in one_line(apart.manage("database", "stop"))
    apart.server.stay()
    user.communicate("\n")
    assert apart.server.answers()
    assert "has stopped" in apart.manage("database", "stop").stdout


@pytest.mark.parametrize("found", ["", "no number\n", "{ours}\n/elsewhere\n", "4194303\n"])
def test_a_pid_file_left_by_a_crash_is_no_obstacle(apart: Installation, found: str) -> None:
    left = apart.server.data / "postmaster.pid"
    left.write_text(found.replace("{ours}", str(os.getpid())))
    with psycopg.connect(apart.server.use()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_killed_server_is_recovered_with_what_was_committed(apart: Installation) -> None:
    user = user_of(apart)
    with psycopg.connect(url_for(user), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
        pid = apart.server.postmaster()
        assert pid
        os.kill(pid, signal.SIGKILL)
    with psycopg.connect(apart.server.use(), autocommit=True) as connection:
        assert connection.execute("SELECT seven FROM kept").fetchone() == (7,)
        connection.execute("DROP TABLE kept")
    assert apart.server.postmaster() != pid
    user.communicate("\n")


def test_a_killed_keeper_takes_the_server_along_and_both_come_back(apart: Installation) -> None:
    user = user_of(apart)
    url_for(user)
    pid = apart.server.postmaster()
    keeper = psutil.Process(pid).parent()
    assert keeper is not None and "cdp_site.keeper" in keeper.cmdline()
    keeper.kill()
    assert until(lambda: not psutil.pid_exists(pid or 0))
    apart.server.use()
    assert apart.server.answers()
    user.communicate("\n")


# How it is made


def test_a_database_whose_making_was_cut_short_is_made_anew() -> None:
    with installation() as fresh:
        user = user_of(fresh)
        assert until(lambda: any(fresh.server.place.glob("data.new*/base")))
        user.kill()
        user.wait()
        assert not fresh.server.data.exists()
        with psycopg.connect(fresh.server.use()) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("tributary",)
        assert not any(fresh.server.place.glob("data.new*"))


def test_a_folder_closed_to_the_servers_account_has_its_data_elsewhere() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root runs the server as somebody else")
    with installation() as private:
        private.folder.chmod(0o700)
        assert private.server.use()
        assert private.server.data.stat().st_uid != 0
        assert not private.server.data.is_relative_to(private.folder)
        private.server.release()
        user = user_of(private)
        assert url_for(user) == private.server.url, "the next one finds it"
        user.communicate("\n")


@pytest.mark.parametrize("command", ["doctor", "demo"])
@pytest.mark.parametrize(("options", "said"), [("ro", "Read-only file system"), ("size=64k,mode=755", "")])
def test_a_disk_that_takes_nothing_is_one_line(command: str, options: str, said: str) -> None:
    with installation() as place, small_disk(place.folder, options):
        done = place.manage(command)
        assert said in (line := one_line(done))
        assert str(place.folder) in line
