"""One scan: what becomes of files, hits and troubles."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from readiness.errors import NotMeasured
from readiness.model import FindingSeverity
from readiness.static.fingerprint import fingerprint, hashed
from readiness.static.interface import Hit, Scan
from tests.static.engine import BAD, CRITICAL, GATE, TWICE, Obeys, at_once, scan_of, scanned, write


def failure(folder: Path, **options: object) -> NotMeasured:
    """Returns why the gate could not look."""
    outcome = scanned(folder, **options)  # type: ignore[arg-type] # whatever the test says
    assert isinstance(outcome, NotMeasured), outcome
    return outcome


def test_findings_are_located(tmp_path: Path) -> None:
    """Each hit is a finding of its rule's check, with the rule's severity and remedy, in the order of path and line."""
    write(tmp_path, {"b.txt": "fine\n  BAD\n", "a.txt": "BAD\nBAD BAD\n", "c.txt": "fine\n"})
    scan = scan_of(tmp_path)
    assert (scan.files, scan.size, scan.cached, scan.unscanned) == (3, 28, 0, 0)
    found = scan.of(CRITICAL)
    assert [(each.path, each.line, each.column) for each in found] == [
        ("a.txt", 1, 1),
        ("a.txt", 2, 1),
        ("b.txt", 2, 3),
    ]
    assert {(each.rule, each.severity, each.remedy) for each in found} == {
        (BAD.id, FindingSeverity.BLOCKING, "Make it good.")
    }
    assert found[2].excerpt == "  BAD"


def test_fingerprint_survives_moved_lines(tmp_path: Path) -> None:
    """It is made of rule, path and anchor; equal ones of a file are numbered."""
    write(tmp_path, {"a.txt": "BAD\nBAD\nBAD here\n"})
    before = [each.fingerprint for each in scan_of(tmp_path).of(CRITICAL)]
    write(tmp_path, {"a.txt": "\n\nBAD here\n\nBAD\n    BAD\n"})
    after = [each.fingerprint for each in scan_of(tmp_path).of(CRITICAL)]
    assert len(set(before)) == 3
    assert sorted(after) == sorted(before)
    assert before[1] == fingerprint(BAD.id, "a.txt", hashed("BAD"), 1)


def test_what_several_files_show_together(tmp_path: Path) -> None:
    """`conclude` gets the facts of all files in the order of their paths; what it yields are findings too."""
    write(tmp_path, {"c": "same\n", "a": "same\n", "b": "same\n", "d": "other\n"})
    assert [(each.path, each.rule) for each in scan_of(tmp_path).of(CRITICAL)] == [("b", TWICE.id), ("c", TWICE.id)]


@pytest.fixture(params=[1, 2])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many processes read; with two, no file is read in this one."""
    count: int = request.param
    if count > 1:
        at_once(monkeypatch)
    return count


def test_what_is_not_looked_at_is_named(tmp_path: Path, workers: int) -> None:
    """Binary and large files are named with what that means; they are no evidence."""
    write(tmp_path, {"a.bin": b"BAD\0", "b.txt": b"BAD" * 100, "c.txt": "fine", "late.txt": b"x" * 9000 + b"\0BAD"})
    scan = scan_of(tmp_path, max_size=250, workers=workers)
    assert (scan.files, scan.unscanned) == (1, 3)
    found = {each.path: (each.rule, str(each.severity)) for each in scan.of(CRITICAL)}
    assert found == {
        "a.bin": (f"{GATE}/unscanned-file", "information"),
        "b.txt": (f"{GATE}/unscanned-file", "advisory"),
        "late.txt": (f"{GATE}/unscanned-file", "advisory"),
    }
    assert [each.path for each in scan.skipped] == ["a.bin", "b.txt", "late.txt"]
    assert "it is larger than max-file-size" in scan.skipped[1].why
    assert any(note.startswith("1 not looked at, because it is binary") for note in scan.notes)


def test_binary_configuration_blocks(tmp_path: Path) -> None:
    """By its name it is configuration, so that nothing but text makes sense: what nobody could read is not clean."""
    write(tmp_path, {"a.yaml": b"a: 1\0\n", "b.yaml": "fine"})
    (found,) = scan_of(tmp_path, analyser=Obeys(gate="config-lint")).of("config-lint/syntax")
    assert (found.rule, found.severity) == ("config-lint/unreadable-file", FindingSeverity.BLOCKING)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "utf-16-le"])
def test_text_in_other_encodings(tmp_path: Path, encoding: str) -> None:
    """With its byte order mark it is text, and without it is binary: then it is named."""
    write(tmp_path, {"a.txt": "it is BAD\n".encode(encoding)})
    rules = [each.rule for each in scan_of(tmp_path).of(CRITICAL)]
    assert rules == ([f"{GATE}/unscanned-file"] if encoding == "utf-16-le" else [BAD.id])


def test_named_up_to_a_limit_and_counted_exactly(tmp_path: Path) -> None:
    """Of thousands of images a hundred are named; the count is of all."""
    write(tmp_path, {"a.txt": "fine"} | {f"{number:03}.png": b"\0" for number in range(250)})
    scan = scan_of(tmp_path)
    assert (scan.unscanned, len(scan.skipped), len(scan.of(CRITICAL))) == (250, 100, 100)
    assert "250 not looked at, because it is binary, of which 100 are named" in scan.notes


def test_unreadable_file_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file that was to be judged and cannot be read nothing is known: a blocking finding says so."""
    write(tmp_path, {"a.txt": "BAD", "b.txt": "fine"})
    real = os.open

    def refuse(path: str, flags: int, **options: int) -> int:
        if str(path).endswith("a.txt"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, **options)

    monkeypatch.setattr(os, "open", refuse)  # the tests may run as root, whom no permission stops
    scan = scan_of(tmp_path)
    (found,) = scan.of(CRITICAL)
    assert (found.path, found.rule, found.severity) == ("a.txt", f"{GATE}/unreadable-file", FindingSeverity.BLOCKING)
    assert "it cannot be read (Permission denied)" in found.text
    assert scan.files == 1


def test_file_that_changes_all_the_time_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read must be a state that the file had; where none is to be had nothing is known of it."""
    write(tmp_path, {"a.txt": "BAD", "b.txt": "fine"})
    real = os.read

    def read(handle: int, size: int) -> bytes:
        data = real(handle, size)
        if data.startswith(b"BAD"):
            with (tmp_path / "a.txt").open("ab") as file:
                file.write(b"!")
        return data

    monkeypatch.setattr(os, "read", read)
    (found,) = scan_of(tmp_path).of(CRITICAL)
    assert (found.path, found.rule) == ("a.txt", f"{GATE}/unreadable-file")
    assert "it changed each time it was read" in found.text


def test_file_that_changes_once_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second reading is of one state."""
    write(tmp_path, {"a.txt": "fine"})
    real = os.read
    writes = iter([b"BAD"])

    def read(handle: int, size: int) -> bytes:
        data = real(handle, size)
        for more in writes:
            (tmp_path / "a.txt").write_bytes(more)
        return data

    monkeypatch.setattr(os, "read", read)
    assert [each.rule for each in scan_of(tmp_path).of(CRITICAL)] == [BAD.id]


def test_file_that_vanishes_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in the tree no more, so that it need not be judged; that it was there is told."""
    write(tmp_path, {"a.txt": "BAD", "b.txt": "fine"})
    real = os.open

    def gone(path: str, flags: int, **options: int) -> int:
        if str(path).endswith("a.txt"):
            (tmp_path / "a.txt").unlink(missing_ok=True)
        return real(path, flags, **options)

    monkeypatch.setattr(os, "open", gone)
    scan = scan_of(tmp_path)
    (found,) = scan.of(CRITICAL)
    assert (found.path, found.severity) == ("a.txt", FindingSeverity.INFORMATION)
    assert scan.files == 1


def test_file_that_becomes_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between walk and reading a file may be replaced: nothing outside of the repository is read through it."""
    write(tmp_path, {"repository/a.txt": "fine", "repository/b.txt": "fine", "secret": "BAD"})
    real = os.open

    def swap(path: str, flags: int, **options: int) -> int:
        if str(path).endswith("a.txt"):
            (tmp_path / "repository" / "a.txt").unlink(missing_ok=True)
            (tmp_path / "repository" / "a.txt").symlink_to("../secret")
        return real(path, flags, **options)

    monkeypatch.setattr(os, "open", swap)
    (found,) = scan_of(tmp_path / "repository").of(CRITICAL)
    assert (found.path, found.rule) == ("a.txt", f"{GATE}/unreadable-file")


@pytest.mark.parametrize("paths", [["src", "empty"], ["src", "*.toml"], ["src", "gone"]])
def test_path_without_files_is_unmeasured(tmp_path: Path, paths: list[str]) -> None:
    """Where nothing was found nothing was judged, whatever the other paths have; file, table and path are named."""
    write(tmp_path, {"src/a": "fine"})
    (tmp_path / "empty").mkdir()
    why = failure(tmp_path, paths=paths)
    assert f"no file was found for {paths[1]!r} (readiness.toml [{GATE}] paths)" in why.cause
    assert why.remedy


def test_no_file_of_the_kind_is_unmeasured(tmp_path: Path) -> None:
    """A gate that looked at no file has no evidence."""
    write(tmp_path, {"a.py": "fine"})
    assert "none of the files in '.'" in failure(tmp_path, analyser=Obeys(suffix=".yaml")).cause


def test_broken_analyser_is_unmeasured(tmp_path: Path, workers: int) -> None:
    """Where an analyser breaks its gate is not judged, with the file's name, and without what stands in the file."""
    write(tmp_path, {"a": "fine", "b": "RAISE s3cret"})
    why = failure(tmp_path, workers=workers)
    assert f"the analyser of {GATE} broke with ValueError at b" in why.cause
    assert "s3cret" not in str(why)


def test_unknown_rule_is_unmeasured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hit that nobody can explain is a defect of ours, and no pass."""
    write(tmp_path, {"a": "BAD"})
    monkeypatch.setattr(Obeys, "conclude", lambda *_: [("a", Hit("x/y", 0, 0, "", ""))])
    assert "names the rule 'x/y'" in failure(tmp_path).cause


def test_deadline_is_unmeasured(tmp_path: Path) -> None:
    """The run's budget is used up: nobody waits for the rest."""
    write(tmp_path, {"a": "fine", "b": "fine"})
    with pytest.raises(NotMeasured, match="deadline passed"):
        scanned(tmp_path, budget=lambda: 0.0)


def test_hits_of_a_file_are_bounded(tmp_path: Path) -> None:
    """A file of nothing but hits fills no report; how many more there are is a finding that blocks."""
    write(tmp_path, {"a": "BAD\n" * 5000})
    found = scan_of(tmp_path).of(CRITICAL)
    assert len(found) == 2001
    assert found[0].text == "3000 more findings are in this file; only the first 2000 are listed."
    assert found[0].severity is FindingSeverity.BLOCKING


def test_a_scan_is_the_same_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the order of the file system nor that of the processes shows."""
    write(tmp_path, {f"{number:02}/{name}": f"same\nBAD {number}\n" for number in range(20) for name in "ba"})
    first = scan_of(tmp_path)
    assert isinstance(first, Scan)
    assert scan_of(tmp_path) == first
    at_once(monkeypatch)
    assert scan_of(tmp_path, workers=2) == first
