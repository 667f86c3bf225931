"""bandit in processes of its own: what bandit's own command line finds, nothing less, and nothing twice."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from readiness.config.security_tables import Bandit
from readiness.errors import NotMeasured
from readiness.model import FindingSeverity
from readiness.static.code import LARGEST, bandit, observe, pool
from readiness.static.interface import Scan
from tests.static.listing import budget, lister, write

CHECK = "security-scan/code"
SHELL = "import subprocess\nsubprocess.call('ls ' + name, shell=True)\n"
CLEAN = "total = 1 + 1\n"
SITE = Path(sysconfig.get_path("purelib"))
PACKAGES = ("jinja2", "packaging", "bandit")
"""Real code for the comparison with bandit's own command line."""


def scan(folder: Path, cache: Path | None = None, **keys: Any) -> Scan:
    table = Bandit(**({"paths": ["."]} | keys))
    return observe(table, folder=folder, budget=budget(), cache=cache, files=lister(folder))


def numbers(scanned: Scan) -> list[str]:
    return [finding.text.partition(":")[0] for finding in scanned.of(CHECK)]


def command_line(folder: Path, *options: str) -> dict[str, Any]:
    """Returns the report of bandit's own command line."""
    command = [sys.executable, "-P", "-m", "bandit", "-q", "-r", ".", "-f", "json", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def as_told(report: dict[str, Any]) -> list[tuple[str, int, str, str, str]]:
    """Returns path, line, test, severity and confidence of each issue of bandit's report."""
    return sorted(
        (
            each["filename"].removeprefix("./"),
            each["line_number"],
            each["test_id"],
            each["issue_severity"].lower(),
            each["issue_confidence"].lower(),
        )
        for each in report["results"]
    )


def as_found(scanned: Scan) -> list[tuple[str, int, str, str, str]]:
    """Returns the same of our findings, read from their texts."""
    rows = []
    for each in scanned.of(CHECK):
        if each.text.startswith("B"):
            levels = each.text.rpartition("(severity ")[2].rstrip(")").split(", confidence ")
            rows.append((each.path, each.line, each.text.partition(":")[0], levels[0], levels[1]))
    return sorted(rows)


@pytest.mark.slow
@pytest.mark.parametrize(("severity", "confidence"), [("low", "low"), ("medium", "medium"), ("high", "high")])
def test_finds_what_bandit_finds(severity: str, confidence: str, tmp_path: Path) -> None:
    """On real packages, at each level: the same tests at the same lines with the same levels as bandit's command line."""
    options = ["--severity-level", severity, "--confidence-level", confidence]
    ours, theirs = [], []
    for name in PACKAGES[:1] if severity != "low" else PACKAGES:
        folder = shutil.copytree(SITE / name, tmp_path / name)  # a virtual environment is what .gitignore leaves out
        scanned = scan(folder, tests=True, severity=severity, confidence=confidence)
        ours += as_found(scanned)
        report = command_line(folder, *options)
        theirs += as_told(report)
        assert sorted(each.path for each in scanned.skipped) == sorted(e["filename"][2:] for e in report["errors"])
    assert ours == theirs
    assert ours


def test_finding_says_what_and_where(tmp_path: Path) -> None:
    """A finding has the test's number, its levels, place, rule, remedy and the code, without what is in quotes."""
    write(
        tmp_path,
        {"src/run.py": "import subprocess\n\nif a:\n    subprocess.call('token-s3cret ' + name, shell=True)\n"},
    )
    (found,) = scan(tmp_path).of(CHECK)
    assert (found.path, found.line, found.column) == ("src/run.py", 4, 5)
    assert found.rule == "security-scan/command-injection"
    assert found.severity is FindingSeverity.BLOCKING
    assert found.text.startswith("B602: ")
    assert found.text.endswith("(severity high, confidence high)")
    assert "# nosec B602" in found.remedy
    assert found.excerpt == "subprocess.call('...' + name, shell=True)"


def test_passwords_are_not_shown(tmp_path: Path) -> None:
    """Bandit repeats the password that it finds; the report does not, be it an argument, a default or a value."""
    word = "hun" + "ter2-of-mine"
    code = (
        f"password = '{word}'\ndef f(password='{word}'): pass\nlogin(password='{word}')\nif token == \"{word}\": pass\n"
    )
    write(tmp_path, {"a.py": code})
    found = scan(tmp_path, severity="low", confidence="low").of(CHECK)
    assert {each.rule for each in found} == {"security-scan/password-in-code"}
    assert len(found) == 4
    assert word not in repr(found)


def test_fingerprint_survives_moved_lines(tmp_path: Path) -> None:
    """The same call further down is the same finding; two equal calls are two."""
    write(tmp_path, {"a.py": SHELL})
    (before,) = scan(tmp_path).of(CHECK)
    write(tmp_path, {"a.py": "# one\n# more\n" + SHELL + SHELL})
    first, second = scan(tmp_path).of(CHECK)
    assert before.fingerprint == first.fingerprint
    assert before.line != first.line
    assert second.fingerprint not in ("", first.fingerprint)


def test_column_counts_characters(tmp_path: Path) -> None:
    """The syntax tree counts bytes; a person and an editor count characters."""
    write(tmp_path, {"a.py": "name = 'äöü€'; eval(name)\n"})
    (found,) = scan(tmp_path).of(CHECK)
    assert found.column == 16


def test_nosec_is_honoured(tmp_path: Path) -> None:
    """A line with `# nosec` and the test, or all tests, is accepted, and counted; another test's number accepts nothing."""
    lines = ["eval(a)  # nosec", "eval(b)  # nosec B307", "eval(c)  # nosec B101", "eval(d)"]
    write(tmp_path, {"a.py": "\n".join(lines)})
    scanned = scan(tmp_path)
    assert [finding.line for finding in scanned.of(CHECK)] == [3, 4]
    assert "2 findings are accepted by # nosec" in scanned.notes


@pytest.mark.parametrize(
    ("severity", "confidence", "expected"),
    [
        ("low", "low", ["B404", "B324", "B608"]),
        ("medium", "low", ["B324", "B608"]),
        ("medium", "high", ["B324"]),
        ("high", "low", ["B324"]),
    ],
)
def test_levels_are_thresholds(severity: str, confidence: str, expected: list[str], tmp_path: Path) -> None:
    """Only findings of the severity and the confidence, or above, are reported; how many are below is said."""
    code = "import subprocess\nimport hashlib\nhashlib.md5(b)\nsql = 'SELECT * FROM t WHERE n = ' + n\n"
    write(tmp_path, {"a.py": code})
    scanned = scan(tmp_path, severity=severity, confidence=confidence)
    assert numbers(scanned) == expected
    assert any("below severity" in note for note in scanned.notes) == (len(expected) < 3)


def test_tests_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    """Tests assert and use made-up passwords; they are left out, which is said, and scanned on request."""
    write(tmp_path, {"src/a.py": CLEAN, "tests/test_a.py": SHELL, "src/conftest.py": SHELL})
    scanned = scan(tmp_path)
    assert (scanned.files, numbers(scanned)) == (1, [])
    assert "2 tests were left out" in scanned.notes
    assert len(numbers(scan(tmp_path, tests=True))) == 2


def test_examples_warn(tmp_path: Path) -> None:
    """What does not ship is listed and does not block."""
    write(tmp_path, {"examples/a.py": SHELL})
    (found,) = scan(tmp_path).of(CHECK)
    assert found.severity is FindingSeverity.ADVISORY


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"print 'two'\n", "syntax error"),
        (b"x = (\n", "syntax error"),
        (b"x = '\xff'\n", "syntax error"),
        (b"x = 1\x00\n", ""),
        (b"a" + b"()" * 100_000, "exception"),
        (b"#" * (LARGEST + 1), "larger than 2 MiB"),
    ],
)
def test_what_cannot_be_scanned_is_a_finding(content: bytes, why: str, tmp_path: Path) -> None:
    """A file that bandit skips may hold anything: it is named, and blocks, beside the others' findings."""
    write(tmp_path, {"bad.py": content, "a.py": SHELL})
    scanned = scan(tmp_path)
    by_path = {finding.path: finding for finding in scanned.of(CHECK)}
    assert by_path["bad.py"].rule == "security-scan/unscanned-code"
    assert by_path["bad.py"].severity is FindingSeverity.BLOCKING
    assert why in by_path["bad.py"].text
    assert by_path["a.py"].rule == "security-scan/command-injection"
    assert [skipped.path for skipped in scanned.skipped] == ["bad.py"]
    assert scanned.unscanned == 1
    assert scanned.files == 1


def test_a_test_that_fails_inside_bandit_is_a_finding(tmp_path: Path) -> None:
    """Bandit logs that one of its tests failed, and calls the file clean; the line is named here."""
    write(
        tmp_path, {"a.py": "import os\n" + SHELL, "pyproject.toml": "[tool.bandit.shell_injection]\nsubprocess = 5\n"}
    )
    found = scan(tmp_path).of(CHECK)
    unjudged = [each for each in found if each.rule == "security-scan/unscanned-code"]
    assert unjudged
    assert all(each.line for each in unjudged)
    assert "bandit's test" in unjudged[0].text


@pytest.mark.parametrize("paths", [["."], ["src"]])
def test_nothing_to_scan_is_not_measured(paths: list[str], tmp_path: Path) -> None:
    """No Python file, or nothing but tests, is no evidence."""
    write(tmp_path, {"src/readme.txt": "x", "src/tests/test_a.py": CLEAN})
    with pytest.raises(NotMeasured, match="no Python file to scan below"):
        scan(tmp_path, paths=paths)


@pytest.mark.slow
def test_unchanged_files_are_not_scanned_again(tmp_path: Path) -> None:
    """The second run takes from the cache what has not changed, finds the same, and starts no process without need."""
    cache = tmp_path / "cache"
    folder = write(tmp_path / "repo", {f"m{number}.py": SHELL for number in range(5)})
    first = scan(folder, cache)
    second = scan(folder, cache)
    assert (first.cached, second.cached) == (0, 5)
    assert first.found == second.found
    write(folder, {"m1.py": CLEAN})
    third = scan(folder, cache)
    assert third.cached == 4
    assert len(third.of(CHECK)) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"severity": "high"},
        {"confidence": "low"},
        {"bandit.yaml": "skips: [B602]\n"},
        {"bandit.yaml": "assert_used: {skips: ['*_ok.py']}\n"},
    ],
)
def test_other_settings_are_not_answered_from_the_cache(change: dict[str, str], tmp_path: Path) -> None:
    """What was found with other levels, or another configuration of bandit, is no answer."""
    cache = tmp_path / "cache"
    folder = write(tmp_path / "repo", {"a.py": SHELL})
    scan(folder, cache)
    write(folder, {name: text for name, text in change.items() if "." in name})
    again = scan(folder, cache, **{name: text for name, text in change.items() if "." not in name})
    assert again.cached == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b"\xff\xfe"])
def test_a_broken_cache_is_no_cache(content: bytes, tmp_path: Path) -> None:
    """Whatever is in the cache's file, the files are scanned."""
    cache = tmp_path / "cache"
    write(cache, {"code.json": content})
    folder = write(tmp_path / "repo", {"a.py": SHELL})
    assert numbers(scan(folder, cache)) == ["B602"]
    assert scan(folder, cache).cached == 1


@pytest.mark.slow
def test_a_file_that_takes_forever_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A text that makes a pattern of bandit's go back and forth ends its process; the file is named, the others scanned."""
    monkeypatch.setattr(pool, "FILE_WITHIN_S", 1.0)
    hostile = "x = '" + "select " * 150_000 + "' % y\n"
    write(tmp_path, {"hostile.py": hostile, "a.py": SHELL})
    scanned = scan(tmp_path, confidence="low")
    by_path = {finding.path: finding for finding in scanned.of(CHECK)}
    assert "took more than 1 s" in by_path["hostile.py"].text
    assert by_path["a.py"].text.startswith("B602")


def test_no_time_is_not_measured(tmp_path: Path) -> None:
    """Where the run's time is over, what was not scanned is not clean."""
    write(tmp_path, {"a.py": SHELL})
    with pytest.raises(NotMeasured, match="1 files were still to be scanned"):
        observe(Bandit(paths=["."]), folder=tmp_path, budget=lambda: 0.0, cache=None, files=lister(tmp_path))


def test_vanished_file_is_a_finding(tmp_path: Path) -> None:
    """A file that was listed and cannot be read any more is named."""
    write(tmp_path, {"a.py": SHELL, "b.py": CLEAN})
    listed = lister(tmp_path)(["."])
    (tmp_path / "b.py").unlink()
    scanned = bandit.scan_with_bandit(listed, Bandit(paths=["."]), tmp_path, budget(), cache=None)
    assert [each.path for each in scanned.skipped] == ["b.py"]
    assert "cannot be read" in scanned.skipped[0].why


def test_files_of_the_repository_are_not_imported(tmp_path: Path) -> None:
    """A module of the repository that has the name of one of bandit's is not run."""
    trap = "import pathlib; pathlib.Path(__file__).with_name('ran').write_text('')\n"
    write(tmp_path, {"bandit.py": trap, "yaml.py": trap, "stevedore/__init__.py": trap, "a.py": SHELL})
    assert "B602" in numbers(scan(tmp_path))
    assert not list(tmp_path.rglob("ran"))


def test_bandit_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message names the extra."""

    def missing(_name: str) -> str:
        raise bandit.metadata.PackageNotFoundError

    monkeypatch.setattr(bandit.metadata, "version", missing)
    write(tmp_path, {"a.py": SHELL})
    with pytest.raises(NotMeasured, match=r"pytest-readiness\[security\]"):
        scan(tmp_path)


@pytest.mark.slow
def test_an_interrupt_leaves_nothing_running(tmp_path: Path) -> None:
    """Ctrl-C while files are scanned ends at once, and every process with it."""
    hostile = "x = '" + "select " * 200_000 + "' % y\n"
    write(tmp_path, {"hostile.py": hostile})
    script = (
        "import pathlib, os\n"
        "from readiness.config.security_tables import Bandit\n"
        "from readiness.static.code.bandit import scan_with_bandit\n"
        "from readiness.static.walk import File\n"
        "file = File('hostile.py', (os.stat('hostile.py').st_size, 0, 0, 0), ())\n"
        "print('go', flush=True)\n"
        "scan_with_bandit([file], Bandit(paths=['.']), pathlib.Path(), lambda: 600.0, cache=None)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        children = psutil.Process(process.pid)
        until = time.monotonic() + 20
        while not (workers := children.children()) and time.monotonic() < until:
            time.sleep(0.05)
        assert workers
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == -signal.SIGINT
        assert psutil.wait_procs(workers, timeout=10)[1] == []
    finally:
        process.kill()
        process.communicate()
