"""Processes that examine files: what becomes of them, and of what they were doing, when something goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from readiness.errors import NotMeasured
from readiness.static import pool
from tests.static.engine import GATE, Obeys, at_once, left, scan_of, scanned, write
from tests.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Processes from the first file on; none of them is left afterwards."""
    at_once(monkeypatch)
    yield
    assert workers_of(os.getpid()) == []


def workers_of(process: int) -> list[psutil.Process]:
    """Returns the processes that examine files for that one."""
    children = psutil.Process(process).children()
    return [each for each in children if each.is_running() and "readiness.static.pool" in " ".join(each.cmdline())]


def test_every_file_is_examined_elsewhere(tmp_path: Path) -> None:
    """All files, more than are given to a worker at once, are examined, and none in this process."""
    write(tmp_path, {f"{number:03}": "BAD\n" for number in range(300)})
    analyser = Obeys()
    scan = scan_of(tmp_path, analyser=analyser, workers=2)
    assert scan.files == 300
    assert len(scan.of(f"{GATE}/critical")) == 300
    assert analyser.seen == []


def test_names_that_are_no_text_arrive(tmp_path: Path) -> None:
    """A file whose name is no UTF-8 is read by its worker."""
    (tmp_path / os.fsdecode(b"caf\xe9")).write_text("BAD")
    (found,) = scan_of(tmp_path, workers=2).of(f"{GATE}/critical")
    assert found.path == r"caf\xe9"


def test_worker_that_dies_is_unmeasured(tmp_path: Path) -> None:
    """A crash says which file it was at; what the others found does not make a pass of it."""
    write(tmp_path, {"a": "fine", "b": "KILL", "c": "fine"})
    with pytest.raises(NotMeasured, match="a worker process was ended by SIGKILL while it looked at b"):
        scanned(tmp_path, workers=2)


def test_worker_that_hangs_is_unmeasured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file may take for ever; the worker is killed."""
    write(tmp_path, {"a": "fine", "b": "HANG", "c": "fine"})
    monkeypatch.setattr(pool, "FILE_LIMIT_S", 0.5)
    ends = time.monotonic() + 600
    with pytest.raises(NotMeasured, match=r"has looked at b for more than 0\.5 s"):
        scanned(tmp_path, workers=2, budget=lambda: ends - time.monotonic())


def test_deadline_ends_the_workers(tmp_path: Path) -> None:
    """The run's budget holds for them too."""
    write(tmp_path, {"a": "HANG", "b": "HANG"})
    ends = time.monotonic() + 1.5
    with pytest.raises(NotMeasured, match="deadline passed"):
        scanned(tmp_path, workers=2, budget=lambda: ends - time.monotonic())
    assert time.monotonic() < ends + 10


def test_interrupt_ends_the_workers(tmp_path: Path) -> None:
    """Ctrl-C and the like leave no process behind."""
    write(tmp_path, {"a": "HANG"})

    def interrupt() -> None:
        wait_until(lambda: workers_of(os.getpid()))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        scanned(tmp_path, workers=1 + 1)
    wait_until(lambda: not workers_of(os.getpid()))


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    """Whatever ends the run, be it SIGKILL, ends them, also in the middle of a file."""
    write(tmp_path, {"a": "HANG", "b": "HANG"})
    program = (
        "import sys; from pathlib import Path; import readiness.static.scan as scan; scan.TRIAL_FILES, scan.WORTH_S = 0, -1.0\n"
        "from tests.static.engine import scanned; scanned(Path(sys.argv[1]), workers=2)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=root) as parent:
        wait_until(lambda: len(workers_of(parent.pid)) == 2)
        workers = workers_of(parent.pid)
        parent.kill()
    wait_until(lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in workers))


def test_program_without_a_guard_is_not_started_again(tmp_path: Path) -> None:
    """A script that runs pytest at its top level is no reason for workers that run it again."""
    write(tmp_path, {"files/a": "fine"})
    script = tmp_path / "script.py"
    script.write_text(
        "print('started')\nfrom pathlib import Path\nimport readiness.static.scan as scan\n"
        "scan.TRIAL_FILES, scan.WORTH_S = 0, -1.0\n"
        "from tests.static.engine import scan_of\nprint(scan_of(Path('files'), workers=2).files)\n"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env={**os.environ, "PYTHONPATH": root},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "started\n1\n"


def test_nothing_is_imported_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository that has a module of a common name is read, not run."""
    write(tmp_path, {"pickle.py": "raise SystemExit('taken over')", "struct.py": "raise SystemExit('taken over')"})
    monkeypatch.chdir(tmp_path)
    assert scan_of(tmp_path, workers=2).files == 2


def test_what_a_library_prints_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output of a worker is not the pipe that answers go through."""
    write(tmp_path, {"a": "fine"})
    monkeypatch.setattr("tests.static.engine.Obeys.version", "2")
    assert scan_of(tmp_path, analyser=Prints(), workers=2).files == 1


class Prints(Obeys):
    """Prints, and writes to file descriptor 1."""

    def wants(self, path: str) -> bool:
        """Everything."""
        return True

    def analyse(self, source):  # type: ignore[no-untyped-def] # as its base class
        """Prints."""
        sys.stdout.write("printed")
        sys.stdout.flush()
        os.write(1, b"written")
        return super().analyse(source)


def test_processors_are_counted() -> None:
    """There are never more workers than processors that this process may use."""
    assert 1 <= pool.processors() <= (os.cpu_count() or 1)
    assert left() > 0
