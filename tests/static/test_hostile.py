"""Repositories that are meant to break a scan: bounded time and memory, everything named, nothing believed."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readiness.config.model import Live, Policy, Service, Settings
from readiness.config.static_tables import ConfigLint, PlaceholderAudit, SecretsScan, SecurityScan
from readiness.static.interface import Scan
from readiness.static.repository import Repository
from tests.static.engine import CRITICAL, left, names, scan_of, write

MIB = 1024 * 1024
LIMITED = """
import resource, sys
from pathlib import Path
from tests.static.test_hostile import outcomes
for scan in outcomes(Path(sys.argv[1])).values():
    print(scan.gate, scan.files, scan.unscanned)
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def outcomes(folder: Path, **tables: Any) -> dict[str, Scan]:
    """Returns what all three gates found in a folder."""
    given_tables = {
        "config-lint": ConfigLint(paths=["."], **tables),
        "placeholder-audit": PlaceholderAudit(paths=["."], **tables),
        "security-scan": SecurityScan(secrets=SecretsScan(paths=["."], **tables)),
    }
    made = Settings(
        file=folder / "readiness.toml",
        service=Service(name="shop"),
        policy=Policy(),
        waivers=(),
        environment="production",
        where=Live(),
        gates=given_tables,
        known_gates=tuple(given_tables),
    )
    repository = Repository(made, list(given_tables), left)
    return {gate: repository.scan(gate) for gate in given_tables}


def sparse(file: Path, size: int, start: bytes = b"") -> None:
    """Writes a file of that size which takes no room."""
    file.write_bytes(start)
    os.truncate(file, size)


def test_two_gigabytes_are_not_read(tmp_path: Path) -> None:
    """Of a huge file the head is read: it is binary, or too large; both are named, whatever their gate."""
    write(tmp_path, {"a.yaml": "a: 1\n"})
    sparse(tmp_path / "zeros.yaml", 2 * 1024 * MIB)
    sparse(tmp_path / "text.yaml", 2 * 1024 * MIB, b"a: 1\n" * 2000)
    tracemalloc.start()
    found = outcomes(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * MIB
    for gate, scan in found.items():
        whys = {each.path: each.why for each in scan.skipped}
        assert whys["text.yaml"].startswith("it is larger than max-file-size"), gate
        assert "NUL" in whys["zeros.yaml"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    {
        "one line": b"x = " + b"a" * 50 * MIB,
        "one string": b'"' + b"a b" * (16 * MIB) + b'"',
        "lines": b"\n" * 50 * MIB,
        "invalid": b"\xff\xfa" * 10 * MIB,
    }.items(),
    ids=lambda item: item[0],
)
def test_fifty_megabytes_are_named(tmp_path: Path, content: tuple[str, bytes]) -> None:
    """By default it is too large; what nobody looked at is named, and the run does not wait for it."""
    for name in ("a.yaml", "a.py", "a.md"):
        write(tmp_path, {name: content[1]})
    write(tmp_path, {"b.yaml": "b: 1\n"})
    for scan in outcomes(tmp_path).values():
        assert {each.path for each in scan.skipped} <= {"a.yaml", "a.py", "a.md"}
        assert scan.unscanned >= 1


@pytest.mark.slow
def test_line_as_long_as_a_file_may_be(tmp_path: Path) -> None:
    """A line of almost 10 MB, of what expressions stumble over, is looked at in bounded memory by all gates."""
    write(
        tmp_path,
        {"a.yaml": b"a: " + b"a-A_1:=" * 1_300_000, "b.env": b"KEY=" + b"x" * 9_000_000, "c.md": b"[" * 9_000_000},
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)],
        cwd=root, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    peak = int(done.stdout.split()[-1])
    assert peak < 1024, done.stdout


def test_file_that_grows_under_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is written all the time is read three times, and named; not for ever."""
    write(tmp_path, {"a.txt": "x" * 100, "b.txt": "fine"})
    real = os.read
    reads = []

    def read(handle: int, size: int) -> bytes:
        data = real(handle, size)
        if data.startswith(b"x"):
            reads.append(size)
            with (tmp_path / "a.txt").open("ab") as file:
                file.write(b"x" * 100_000)
        return data

    monkeypatch.setattr(os, "read", read)
    scan = scan_of(tmp_path)
    assert [each.path for each in scan.of(CRITICAL)] == ["a.txt"]
    assert len(reads) < 10


def test_two_names_of_one_file(tmp_path: Path) -> None:
    """Hard links are files of their own: each name is judged, since each is shipped."""
    write(tmp_path, {"a.txt": "BAD"})
    os.link(tmp_path / "a.txt", tmp_path / "b.txt")
    assert [each.path for each in scan_of(tmp_path).of(CRITICAL)] == ["a.txt", "b.txt"]


def test_root_that_is_a_link(tmp_path: Path) -> None:
    """A path of the configuration that is itself a link is read as what it leads to, since it was named."""
    write(tmp_path, {"shared/a.txt": "BAD", "repository/b.txt": ""})
    (tmp_path / "repository" / "conf").symlink_to("../shared")
    assert names(tmp_path / "repository", paths=["conf"]) == ["conf/a.txt"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(
        st.sampled_from(
            ["a.yaml", "b.json", "c.toml", "d.ini", ".env", "e.py", "f.md", "Dockerfile", "docker-compose.yml"]
        ),
        st.binary(max_size=400)
        | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
        | st.text(alphabet="{}[]:,-&*!|>'\"%@`#\n\t ab1=$<", max_size=200).map(str.encode),
        min_size=1,
    )
)
def test_no_content_breaks_a_scan(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Whatever bytes stand in a file, all gates come to an end with findings that can be written."""
    for old in tmp_path.iterdir():
        old.unlink()
    write(tmp_path, {"known.yaml": "a: 1\n", **files})
    for scan in outcomes(tmp_path).values():
        for finding in (each for found in scan.found.values() for each in found):
            f"{finding.text}{finding.excerpt}{finding.path}{finding.remedy}".encode()
            assert finding.line >= 0
            assert finding.column >= 0


@pytest.mark.slow
def test_many_files_take_bounded_memory(tmp_path: Path) -> None:
    """30,000 files cost a few hundred bytes each."""
    for number in range(300):
        folder = tmp_path / f"{number:03}"
        folder.mkdir()
        for each in range(100):
            os.close(os.open(folder / f"{each}", os.O_CREAT | os.O_WRONLY))
    write(tmp_path, {"a": "fine"})
    tracemalloc.start()
    scan = scan_of(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert scan.files == 30_001
    assert peak / scan.files < 1500
