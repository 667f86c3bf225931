"""Where the configuration is found, and how it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.config.source import find, read, shown_path
from readiness.errors import ConfigError, UsageError
from readiness.facts import gates_of_user_checks
from tests.config.samples import MINIMAL, Folder

PYPROJECT = "[project]\nname = 'shop'\n"
TOOL = f"{PYPROJECT}[tool.readiness.service]\nname = 'shop'\n"


def test_nearest_file_upward_is_found(folder: Folder) -> None:
    """From a folder far below, too; a nearer pyproject.toml counts only where it holds the table."""
    file = folder.write(MINIMAL)
    below = folder.path / "a" / "b"
    below.mkdir(parents=True)
    (folder.path / "a" / "pyproject.toml").write_text(PYPROJECT)
    assert find(below) == file
    (folder.path / "a" / "pyproject.toml").write_text(TOOL)
    assert find(below) == folder.path / "a" / "pyproject.toml"


def test_readiness_toml_goes_before_pyproject(folder: Folder) -> None:
    """Side by side, the file made for it is used."""
    folder.write(TOOL, "pyproject.toml")
    file = folder.write(MINIMAL)
    assert find(folder.path) == file


@pytest.mark.parametrize("name", ["conf/other.toml", "conf", "conf/../conf/other.toml"])
def test_given_path_is_used(folder: Folder, name: str) -> None:
    """A file under any name, or the folder that holds one; relative to where the user is."""
    folder.write(MINIMAL, "conf/other.toml")
    file = folder.write(MINIMAL, "conf/readiness.toml")
    expected = file if name == "conf" else folder.path / "conf" / "other.toml"
    assert find(folder.path, Path(name)) == expected
    assert find(folder.path / "elsewhere", folder.path / name) == expected


@pytest.mark.parametrize("name", ["no.toml", "."])
def test_given_path_must_exist(folder: Folder, name: str) -> None:
    """It is never replaced by one that was found elsewhere."""
    with pytest.raises(UsageError) as caught:
        find(folder.path, Path(name))
    assert caught.value.cause.startswith(f"the configuration file '{name}' does not exist (looked for {folder.path}")
    assert "readiness init" in caught.value.remedy


def test_nothing_found(folder: Folder) -> None:
    """The message says what was looked for, where, and how to begin."""
    with pytest.raises(UsageError) as caught:
        find(folder.path)
    assert caught.value.cause == (
        "no configuration was found: neither readiness.toml nor a pyproject.toml with a table [tool.readiness] "
        f"is in {folder.path} or in a folder above it."
    )
    assert caught.value.remedy == "Run `readiness init` to write one, or pass --readiness-config=PATH."


def test_broken_pyproject_is_reported_where_it_is_ours(folder: Folder) -> None:
    """A syntax error does not hide the table; in a pyproject.toml of others it is not our business."""
    file = folder.write("[tool.readiness.service]\nname = \n", "pyproject.toml")
    assert find(folder.path) == file
    with pytest.raises(ConfigError, match=r"pyproject\.toml: top level: line 2, column 8: not TOML: invalid value"):
        read(file, folder.path)
    folder.write("[project]\nname = \n# readiness", "pyproject.toml")
    with pytest.raises(UsageError, match="no configuration was found"):
        find(folder.path)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a = '\xe4'", "top level: the file is not UTF-8: byte 6 cannot be read"),
        (b"a = " + b"[" * 5000, "top level: the tables are nested too deeply to be read"),
        (b"a = 'hunter2", "top level: line 1, column 13: not TOML|end of the file"),
    ],
)
def test_unreadable_file(folder: Folder, data: bytes, expected: str) -> None:
    """What cannot be read is said with its place, and without the text around it."""
    file = folder.path / "readiness.toml"
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=expected) as caught:
        read(file, folder.path)
    assert "hunter2" not in str(caught.value)


def test_file_that_is_gone(folder: Folder) -> None:
    """Between finding and reading."""
    with pytest.raises(ConfigError, match="the file cannot be read: No such file or directory"):
        read(folder.path / "readiness.toml", folder.path)


def test_pyproject_without_the_table(folder: Folder) -> None:
    """Given by name, it must hold the configuration."""
    file = folder.write(PYPROJECT, "pyproject.toml")
    with pytest.raises(ConfigError, match=r"there is no table \[tool\.readiness\]\. Add it, or run `readiness init`"):
        read(file, folder.path)


@pytest.mark.parametrize(
    ("file", "start", "expected"),
    [
        ("/a/b/readiness.toml", "/a/b", "readiness.toml"),
        ("/a/b/c/readiness.toml", "/a/b", "c/readiness.toml"),
        ("/a/readiness.toml", "/a/b/c", "../../readiness.toml"),
        ("/d/readiness.toml", "/a/b", "/d/readiness.toml"),
    ],
)
def test_path_is_shown_as_its_reader_knows_it(file: str, start: str, expected: str) -> None:
    """Relative to where the user is, unless it is somewhere else altogether."""
    assert shown_path(Path(file), Path(start)) == expected


@pytest.mark.parametrize("depth", [101, 340, 3_000])
@pytest.mark.parametrize("name", ["readiness.toml", "pyproject.toml"])
def test_deep_nesting_is_refused(folder: Folder, name: str, depth: int) -> None:
    """However deep, it is an error of the configuration, and nobody who reads the file breaks."""
    nested = "x = " + "[" * depth + "]" * depth
    file = folder.write(
        f"[tool.readiness.health]\n{nested}\n" if name == "pyproject.toml" else f"[health]\n{nested}\n", name
    )
    assert find(folder.path) == file
    assert gates_of_user_checks(file) == ()
    with pytest.raises(ConfigError, match="nested too deeply"):
        read(file, folder.path)


def test_nesting_that_answers_have_is_read(folder: Folder) -> None:
    """A subset of an answer may be as deep as any answer is."""
    nested = "{ a = " * 40 + "1" + " }" * 40
    folder.load(f"{MINIMAL}[health]\nendpoints = [{{ path = '/a', json = {nested} }}]\n")
