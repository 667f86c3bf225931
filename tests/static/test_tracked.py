"""What git tracks is judged although `.gitignore` names it, and nothing of it is lost where git cannot say."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from readiness.static.selection import Selection
from readiness.static.skipping import Why, severity_of
from readiness.static.tracked import among, tracked
from readiness.static.walk import Walk


def left() -> float:
    return 60.0


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    """A repository whose `.gitignore` names files that are committed, and one that is not."""
    git(tmp_path, "init", "-q")
    for name in (".env", "hidden/deep/key.py", "hidden/caf\u00e9.py", ".hg/key", "plain.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / os.fsdecode(b"hidden/x\xff\n.py")).touch()
    (tmp_path / ".gitignore").write_text(".env*\nhidden/\n")
    git(tmp_path, "add", "-f", ".")
    (tmp_path / ".env.local").touch()
    return tmp_path


def git(folder: Path, *args: str) -> None:
    subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True)


def walked(folder: Path, **more: list[str]) -> tuple[list[str], Selection]:
    selection = Selection("all", more.get("paths", ["."]), more.get("exclude", []))
    return [file.name for file in Walk(folder, [selection], left).files()], selection


def test_committed_files_are_judged(work_tree: Path) -> None:
    """Each once, whatever its name; what is ignored and not committed is left out."""
    strange = os.fsdecode(b"hidden/x\xff\n.py")
    expected = [".env", ".gitignore", ".hg/key", "hidden/caf\u00e9.py", "hidden/deep/key.py", strange, "plain.py"]
    found, selection = walked(work_tree)
    assert sorted(found) == sorted(expected)
    assert not selection.skips.counts


def test_paths_and_exclude_hold_for_them(work_tree: Path) -> None:
    """The configuration says what is judged; `.gitignore` does not."""
    assert walked(work_tree, exclude=["hidden/", ".hg", ".git*"])[0] == ["plain.py", ".env"]
    assert walked(work_tree / "hidden")[0]


@pytest.mark.parametrize("name", [".env", "hidden"])
def test_what_is_gone_or_leads_elsewhere_is_not_read(
    work_tree: Path, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A tracked name may have become a link; what it leads to is not the repository's."""
    away = tmp_path_factory.mktemp("away")
    (away / "deep").mkdir()
    (away / "deep" / "key.py").touch()
    (work_tree / name).rename(work_tree / "was")
    (work_tree / name).symlink_to(away)
    assert not [file for file in walked(work_tree)[0] if file.startswith(name + "/") or file == name]


def test_index_that_cannot_be_read_blocks(work_tree: Path) -> None:
    """Nothing is known of what is committed; `exclude` of `.git` accepts that."""
    (work_tree / ".git" / "index").write_bytes(b"DIRC garbage")
    _, selection = walked(work_tree)
    assert [(path, why) for path, why, _ in selection.skips.named] == [(".git", Why.NOT_LISTED)]
    assert severity_of("security-scan", Why.NOT_LISTED) == "blocking"
    assert not walked(work_tree, exclude=[".git"])[1].skips.counts


def test_git_that_is_not_there_blocks(work_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A work tree without the program says so."""
    monkeypatch.setenv("PATH", str(work_tree))
    assert walked(work_tree)[1].skips.counts == {Why.NOT_LISTED: 1}


def test_nothing_that_the_repository_configures_is_executed(work_tree: Path) -> None:
    """A monitor of the file system is a program of the repository's choice."""
    git(work_tree, "config", "core.fsmonitor", f"touch {work_tree}/executed")
    assert tracked(work_tree, left)
    assert not (work_tree / "executed").exists()


def test_folder_outside_of_a_work_tree(tmp_path: Path) -> None:
    """There is nothing that git could track."""
    assert tracked(tmp_path, left) == frozenset()


def test_among() -> None:
    """A file is hidden by its own name or that of a folder above it."""
    assert list(among(["a/b/c", "a/x", "ab/c", "d"], {"a/b/", "d"})) == ["a/b/c", "d"]
