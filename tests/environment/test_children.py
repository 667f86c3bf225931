"""What the guardian starts, it watches, logs within bounds, and ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from readiness.environment import guardian
from readiness.environment.children import Children, Start, StartError, describe, is_port_taken, last_lines
from readiness.errors import ProvisionError
from tests.environment.conftest import wait_until


@pytest.fixture
def folder() -> Path:
    """A run folder; its guardian deletes it."""
    return Path(tempfile.mkdtemp(prefix="readiness-test-"))


@pytest.fixture
def children(folder: Path) -> Iterator[Children]:
    """A guardian without children."""
    made = Children(folder)
    yield made
    made.close()
    shutil.rmtree(folder, ignore_errors=True)  # where the test has killed the guardian


def program(name: str, folder: Path, *argv: str, **changes: object) -> Start:
    """Returns how to start a command."""
    start: Start = {
        "name": name,
        "argv": list(argv),
        "env": dict(os.environ),
        "cwd": str(folder),
        "log": str(folder / f"{name}.log"),
        "user": None,
        "steps": [(int(signal.SIGTERM), 2.0)],
        "whole_group": True,
        "orphaned": int(signal.SIGKILL),
        "wave": 0,
    }
    return start | changes  # type: ignore[return-value]  # the caller's keys are keys of Start


@pytest.mark.parametrize(
    ("script", "ending"),
    [
        ("exit 0", "ended with exit status 0"),
        ("exit 7", "ended with exit status 7"),
        ("kill -9 $$", "was killed by SIGKILL"),
    ],
)
def test_ending_and_output(children: Children, folder: Path, script: str, ending: str) -> None:
    """When a child's end is known, all that it wrote is in its log."""
    children.start(program("one", folder, "sh", "-c", f"seq 1 5000; echo last >&2; {script}"))
    wait_until(children.endings)
    assert children.endings() == {"one": ending}
    lines = (folder / "one.log").read_text().splitlines()
    assert len(lines) == 5001
    assert lines[-1] == "last"


def test_children_start_as_a_shell_would_start_them(children: Children, folder: Path) -> None:
    """No input, a group of their own, the usual signals, no file descriptor of ours."""
    script = "cat; ls /proc/self/fd | wc -l; yes | head -n 1; grep SigIgn /proc/self/status; ps -o pgid= -p $$; echo $$"
    children.start(program("one", folder, "sh", "-c", script))
    wait_until(children.endings)
    count, yes, ignored, group, pid = (folder / "one.log").read_text().split("\n")[:5]
    assert (count, yes) == ("4", "y")
    assert int(ignored.split()[1], 16) == 0
    assert group.strip() == pid


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"argv": ["no-such-program"]}, "No such file"), ({"cwd": "/no/such/folder"}, "/no/such/folder")],
)
def test_program_that_cannot_be_started(
    children: Children, folder: Path, changes: dict[str, object], text: str
) -> None:
    """The reason is that of the operating system; the guardian goes on."""
    with pytest.raises(StartError, match=text):
        children.start(program("one", folder, "true", **changes))
    children.start(program("one", folder, "true"))


def test_log_is_bounded(children: Children, folder: Path) -> None:
    """A child that writes without end fills neither the disk nor the memory, and its last lines are kept."""
    megabytes = 5 * guardian.LOG_LIMIT // 2**20
    script = f"yes | head -c {megabytes}M; echo; echo the end"
    children.start(program("one", folder, "sh", "-c", script))
    wait_until(children.endings)
    sizes = [path.stat().st_size for path in folder.glob("one.log*")]
    assert len(sizes) == 2
    assert sum(sizes) <= 2 * guardian.LOG_LIMIT
    assert last_lines(folder / "one.log").endswith("the end")
    assert psutil.Process(children.pid).memory_info().rss < 64 * 2**20


@pytest.mark.parametrize("escape", ["", "setsid"], ids=["in-its-group", "as-a-daemon"])
def test_stubborn_family(children: Children, folder: Path, escape: str) -> None:
    """Grandchildren end with the run, also where they ignore SIGTERM or left the group."""
    script = f"trap '' TERM; {escape} sh -c 'trap \"\" TERM; echo $$; sleep 600; echo woken' & wait"
    children.start(program("one", folder, "sh", "-c", script, steps=[(int(signal.SIGTERM), 0.2)]))
    wait_until(lambda: last_lines(folder / "one.log"))
    grandchild = psutil.Process(int(last_lines(folder / "one.log")))
    children.stop("one")
    assert children.endings() == {"one": "was killed by SIGKILL"}
    children.close()
    assert not folder.exists()
    wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_what_stands_on_the_servers_ends_first(children: Children, folder: Path) -> None:
    """Wave 0 is gone before wave 1 hears of the end."""
    order = folder.parent / f"{folder.name}.order"
    ready = []
    for name, wave in (("server", 1), ("service", 0)):
        script = f"trap 'echo {name} >> \"{order}\"; exit' TERM; echo up; while :; do sleep 0.01; done"
        children.start(program(name, folder, "sh", "-c", script, wave=wave))
        ready.append(folder / f"{name}.log")
    wait_until(lambda: all(last_lines(log) for log in ready))
    try:
        children.close()
        assert order.read_text().split() == ["service", "server"]
    finally:
        order.unlink()


def test_answer_to_an_interrupted_question_is_not_read_later(children: Children, folder: Path) -> None:
    """After Ctrl-C between question and answer the next question gets its own answer."""
    children._send({"do": "status"})
    (pid,) = children.start(program("one", folder, "sleep", "600"))
    assert psutil.Process(pid).cmdline() == ["sleep", "600"]
    children.stop("one")
    assert children.endings() == {"one": "was killed by SIGTERM"}


def test_guardian_is_gone(children: Children, folder: Path) -> None:
    """Every question says so; closing works; on Linux the children went along."""
    (pid,) = children.start(program("one", folder, "sleep", "600"))
    os.kill(children.pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    with pytest.raises(ProvisionError, match="guardian of the environment was killed"):
        children.endings()
    children.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_guardian_told_to_end(folder: Path, number: signal.Signals) -> None:
    """A shutdown of the machine, which signals everybody, ends all in order."""
    children = Children(folder)
    (pid,) = children.start(program("one", folder, "sleep", "600"))
    os.kill(children.pid, number)
    wait_until(lambda: not psutil.pid_exists(pid) and not folder.exists())
    children.close()


@pytest.mark.parametrize("dies", ["os._exit(1)", "os.kill(os.getpid(), 9)"])
def test_fork_of_the_owner_does_not_keep_the_guardian(folder: Path, dies: str) -> None:
    """A forked child that lives on, as of multiprocessing, does not hold the pipe open."""
    code = (
        "import os, sys, time; from pathlib import Path\n"
        "from readiness.environment.children import Children\n"
        f"children = Children(Path({str(folder)!r})); children.endings(); print(children.pid, flush=True)\n"
        "if os.fork() == 0:\n    os.close(1); time.sleep(60); os._exit(0)\n"
        f"{dies}"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        try:
            wait_until(lambda: not psutil.pid_exists(pid) and not folder.exists(), 10)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_folder_that_is_no_run_folder_is_left_alone(tmp_path: Path) -> None:
    """The guardian deletes what was made for a run, and nothing else."""
    children = Children(tmp_path)
    with pytest.raises(ProvisionError):
        children.endings()
    children.close()
    assert "not a run folder" in (tmp_path / "guardian.log").read_text()


def test_unknown_signal() -> None:
    """Real-time signals have no name."""
    assert describe(40) == "was killed by signal 40"


@pytest.mark.parametrize(
    ("line", "is_taken"),
    [
        ("ERROR: [Errno 98] error while attempting to bind on address ('127.0.0.1', 80): address already in use", True),
        ('LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', True),
        ("Error: listen EADDRINUSE: address already in use :::3000", True),
        ("could not connect: Connection refused", False),
    ],
)
def test_taken_port_is_recognised(tmp_path: Path, line: str, is_taken: bool) -> None:
    """By what servers say when they cannot bind."""
    (tmp_path / "one.log").write_text(f"starting\n{line}\nbye\n")
    assert is_port_taken(tmp_path / "one.log") is is_taken
