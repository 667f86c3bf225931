"""What is kept between runs, and when it is not believed."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from readiness.static import cache as kept
from tests.static.engine import CRITICAL, GATE, Obeys, at_once, scan_of, write

FILES = {"a.txt": "BAD\n", "b.txt": "fine\n", "c/d.txt": "same\n", "e.bin": b"\0", "f.txt": b"x" * 2000}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that has not changed for long."""
    folder = tmp_path / "repository"
    write(folder, FILES)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where it is kept."""
    made = tmp_path / "kept"
    made.mkdir()
    return made


def again(repository: Path, folder: Path | None, **options: object) -> tuple[int, int, list[str]]:
    """Returns how many files a scan looked at and how many were known, and which it read to analyse them."""
    analyser = Obeys(version=str(options.pop("version", "1")))
    scan = scan_of(repository, analyser=analyser, cache=folder, **{"max_size": 1000, **options})  # type: ignore[arg-type] # whatever the test says
    return scan.files, scan.cached, sorted(analyser.seen)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as unchanged for long although the test has just written them: their inodes' times are new."""
    monkeypatch.setattr(kept, "RACY_NS", -3_600_000_000_000)


@pytest.mark.usefixtures("settled")
def test_second_scan_opens_nothing(repository: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has not changed is not even opened, and comes to the same."""
    first = scan_of(repository, cache=folder, max_size=1000)
    opened: list[str] = []
    real = os.open

    def note(path: str, flags: int, **options: int) -> int:
        if not str(path).endswith(".gitignore") and str(repository) in str(path):
            opened.append(str(path))
        return real(path, flags, **options)

    monkeypatch.setattr(os, "open", note)
    second = scan_of(repository, cache=folder, max_size=1000)
    assert opened == []
    assert (first.cached, second.cached) == (0, 3)
    assert second.found == first.found
    assert (second.files, second.size, second.skipped) == (first.files, first.size, first.skipped)


@pytest.mark.usefixtures("settled")
def test_only_what_changed_is_analysed(repository: Path, folder: Path) -> None:
    """A changed file is analysed, a new one too; one that was touched only is read, and known by its content."""
    assert again(repository, folder) == (3, 0, ["a.txt", "b.txt", "c/d.txt"])
    write(repository, {"b.txt": "BAD\n", "new.txt": "fine\n"})
    os.utime(repository / "a.txt")
    assert again(repository, folder) == (4, 2, ["b.txt", "new.txt"])
    assert again(repository, folder) == (4, 4, [])


@pytest.mark.usefixtures("settled")
def test_change_with_the_old_time_and_size_is_seen(repository: Path, folder: Path) -> None:
    """Whoever sets a file's time back cannot set back that of its inode."""
    again(repository, folder)
    write(repository, {"b.txt": "BAD!\n"})
    assert again(repository, folder)[2] == ["b.txt"]


def test_file_that_has_just_changed_is_read_again(repository: Path, folder: Path) -> None:
    """Within the resolution of its times a file may have changed once more; its content says whether it has."""
    again(repository, folder)
    assert again(repository, folder) == (3, 3, [])  # by content: all have changed less than two seconds ago
    before = (repository / "b.txt").stat()
    (repository / "b.txt").write_text("BAD!\n")
    os.utime(repository / "b.txt", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert again(repository, folder)[2] == ["b.txt"]


@pytest.mark.parametrize("change", [{"version": "2"}, {"max_size": 1001}])
def test_other_rules_or_options_know_nothing(repository: Path, folder: Path, change: dict[str, object]) -> None:
    """What was found under another version of the rules, or another limit, is not believed; and is not lost."""
    again(repository, folder)
    assert again(repository, folder, **change)[1] == 0
    assert again(repository, folder)[1] == 3
    assert again(repository, folder, **change)[1] == 3


def test_versions_are_bounded(repository: Path, folder: Path) -> None:
    """Only the last few versions stay, so that it does not grow with each release of the rules."""
    for version in range(10):
        again(repository, folder, version=version)
    assert len(list(folder.iterdir())) == kept.VERSIONS
    assert again(repository, folder, version=9)[1] == 3


def test_what_is_gone_is_forgotten(repository: Path, folder: Path) -> None:
    """It holds the files there are, and no others."""
    write(repository, {f"{number}": "fine" for number in range(500)})
    again(repository, folder)
    (large,) = (file.stat().st_size for file in folder.iterdir())
    for number in range(500):
        (repository / f"{number}").unlink()
    again(repository, folder)
    (small,) = (file.stat().st_size for file in folder.iterdir())
    assert small < large / 10


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:40] + b"\xc1" + data[41:],
        lambda data: os.urandom(len(data)),
        lambda data: b"\x80" * 100,
    ],
    ids=["empty", "cut short", "one byte", "noise", "another format"],
)
def test_damaged_is_as_good_as_none(repository: Path, folder: Path, damage) -> None:  # type: ignore[no-untyped-def] # a lambda
    """Whatever happened to the file, nothing of it is believed, and the next one is whole."""
    again(repository, folder)
    (file,) = folder.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert again(repository, folder)[:2] == (3, 0)
    assert again(repository, folder)[:2] == (3, 3)


def test_folder_that_cannot_be_used(repository: Path, tmp_path: Path) -> None:
    """Where nothing can be kept, or a folder stands where the file should, the scan is the same."""
    assert again(repository, None) == again(repository, tmp_path / "gone") == (3, 0, ["a.txt", "b.txt", "c/d.txt"])
    folder = tmp_path / "kept"
    folder.mkdir()
    again(repository, folder)
    (file,) = folder.iterdir()
    file.unlink()
    file.mkdir()
    assert again(repository, folder)[:2] == (3, 0)


def test_no_anchor_is_kept(repository: Path, folder: Path) -> None:
    """An anchor may be a secret: only its hash is written, and nobody else may read the file."""
    write(repository, {"a.txt": "BAD whispered\n"})

    class Quiet(Obeys):
        def analyse(self, source):  # type: ignore[no-untyped-def] # as its base class
            from dataclasses import replace

            found = super().analyse(source)
            return replace(found, hits=tuple(replace(hit, excerpt="...") for hit in found.hits), facts=None)

    assert len(scan_of(repository, analyser=Quiet(), cache=folder).of(CRITICAL)) > 0
    (file,) = folder.iterdir()
    assert b"whispered" not in file.read_bytes()
    assert b"a.txt" in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


def test_a_write_that_was_interrupted_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is the old one or the new one."""
    kept.write_whole(folder / "x", b"old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        kept.write_whole(folder / "x", b"new")
    assert [(file.name, file.read_bytes()) for file in folder.iterdir()] == [("x", b"old")]


@pytest.mark.slow
@pytest.mark.usefixtures("settled")
def test_processes_and_cache_together(repository: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What workers found is known the next time; what they only read again is counted as known."""
    at_once(monkeypatch)
    assert again(repository, folder, workers=2)[:2] == (3, 0)
    os.utime(repository / "a.txt")
    write(repository, {"b.txt": "BAD\n"})
    scan = scan_of(repository, cache=folder, workers=2, max_size=1000)
    assert (scan.files, scan.cached) == (3, 2)
    assert [each.path for each in scan.of(CRITICAL) if each.rule == f"{GATE}/bad"] == ["a.txt", "b.txt"]


@pytest.mark.usefixtures("settled")
def test_entry_that_nobody_packed_is_not_believed(repository: Path, folder: Path) -> None:
    """A file that is whole and holds something else costs one scan, and not every run from then on."""
    scan_of(repository, cache=folder, max_size=1000)
    (file,) = folder.iterdir()
    entries = msgspec.msgpack.decode(file.read_bytes()[32:])
    garbled = {path: [state, digest, b"garbled"] for path, (state, digest, _) in entries.items()}
    kept.write_whole(file, kept._checked(msgspec.msgpack.encode(garbled)))
    assert again(repository, folder) == (3, 0, ["a.txt", "b.txt", "c/d.txt"])
    assert again(repository, folder)[1] == 3
