"""Tools of others: bounded in time and output, without input, with nothing of ours that they need not know."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from readiness.errors import NotMeasured
from readiness.static import command
from readiness.static.command import Ended, program, python_tool, run


def python(folder: Path, code: str, *, within_s: float = 30.0, is_online: bool = False, **environ: str) -> Ended:
    return run([sys.executable, "-c", code], folder=folder, within_s=within_s, is_online=is_online, environ=environ)


def test_output_and_status(tmp_path: Path) -> None:
    """What a tool wrote and how it ended; it runs in the folder."""
    code = "import os, sys; print(os.getcwd()); print('oh', file=sys.stderr); sys.exit(3)"
    ended = python(tmp_path, code)
    assert ended == Ended(3, f"{os.path.realpath(tmp_path)}\n", "oh\n")
    assert ended.last_words == "oh"


def test_a_prompt_gets_no_answer(tmp_path: Path) -> None:
    """A tool that asks for a login finds the end of its input at once."""
    started = time.monotonic()
    assert "EOFError" in python(tmp_path, "input('Password: ')").last_words
    assert time.monotonic() - started < 20


def test_it_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    """After its time nothing of it is left."""
    pid_file = tmp_path / "pid"
    code = (
        "import subprocess, sys, pathlib, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(child.pid)); time.sleep(600)"
    )
    with pytest.raises(NotMeasured, match="did not end within"):
        python(tmp_path, code, within_s=3)
    pid = int(pid_file.read_text())
    until = time.monotonic() + 5
    while Path(f"/proc/{pid}/stat").exists() and time.monotonic() < until:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            break  # dead, and for init to bury
        time.sleep(0.02)
    else:
        assert not Path(f"/proc/{pid}/stat").exists()


def test_output_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A tool gone wrong does not fill the disk."""
    monkeypatch.setattr(command, "MOST_OUTPUT", 100_000)
    with pytest.raises(NotMeasured, match="wrote more than"):
        python(tmp_path, "while True: print('x' * 10_000, flush=True)")


def test_no_time_is_not_measured(tmp_path: Path) -> None:
    """Where none is left nothing is started."""
    with pytest.raises(NotMeasured, match="no time was left to run"):
        python(tmp_path, "open('ran', 'w')", within_s=0)
    assert not list(tmp_path.iterdir())


def test_nothing_that_can_be_executed(tmp_path: Path) -> None:
    """The system's words are told."""
    with pytest.raises(NotMeasured, match="tool cannot be executed"):
        run([str(tmp_path / "tool")], folder=tmp_path, within_s=5)


@pytest.mark.parametrize("is_online", [False, True])
def test_variables(is_online: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No secret of ours, no home; the proxy only for a tool that may use the network, and for others one to nowhere."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@h/d")
    monkeypatch.setenv("CI_TOKEN", "x")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    ended = python(tmp_path, "import json, os; print(json.dumps(dict(os.environ)))", is_online=is_online, OWN="1")
    seen = json.loads(ended.out)
    assert not {"DATABASE_URL", "CI_TOKEN"} & seen.keys()
    assert seen["OWN"] == "1"
    assert seen["HOME"] != os.environ.get("HOME")
    assert not Path(seen["HOME"]).exists()
    assert seen["https_proxy"] == ("http://proxy:3128" if is_online else "http://127.0.0.1:9")


def test_addresses_lose_their_passwords() -> None:
    """What a tool said last is shown without user and password."""
    words = Ended(1, "", "ProxyError: cannot reach https://user:pass@proxy:1/x\n\n").last_words
    assert words == "ProxyError: cannot reach https://***@proxy:1/x"
    assert Ended(1, "", "").last_words == "it said nothing"
    assert len(Ended(1, "x" * 5000, "").last_words) == 300


def test_missing_program_says_what_to_install() -> None:
    """The message names the extra."""
    with pytest.raises(NotMeasured, match="no-such-tool is not installed") as told:
        program("no-such-tool", "security")
    assert told.value.remedy == "pip install 'pytest-readiness[security]'"


def test_own_programs_come_first() -> None:
    """What was installed with this package is taken before another version on the search path."""
    assert Path(program("zizmor", "security")).parent == Path(sys.executable).parent


def test_modules_of_the_repository_are_not_run(tmp_path: Path) -> None:
    """A file of the tool's name in the folder is not taken for the tool."""
    (tmp_path / "this.py").write_text("print('wrong')")
    ended = run(python_tool("this"), folder=tmp_path, within_s=30)
    assert "Zen of Python" in ended.out
