"""Lock files and pyproject.toml: each format's packages, versions and lines; nothing that has none is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.errors import NotMeasured
from readiness.static.dependencies.interface import Inventory
from readiness.static.dependencies.lockfiles import read_lock, read_pyproject
from tests.static.listing import write

LOCKS = {
    "pylock.toml": """lock-version = "1.0"
[[packages]]
name = "shoplib"
version = "1.2"
[[packages]]
name = "other"
version = "3.0"
[packages.vcs]
type = "git"
[[packages]]
name = "mine"
directory = { path = "." }
[[packages]]
name = "unknown"
""",
    "poetry.lock": """[[package]]
name = "ShopLib"
version = "1.2"
groups = ["dev"]

[[package]]
name = "other"
version = "3.0"
[package.source]
type = "git"
url = "https://host/x"

[[package]]
name = "mine"
version = "0.1"
[package.source]
type = "directory"
url = "libs/mine"

[[package]]
name = "unknown"
""",
    "uv.lock": """version = 1
[[package]]
name = "shoplib"
version = "1.2"
source = { registry = "https://host/simple" }

[[package]]
name = "other"
version = "3.0"
source = { git = "https://host/x?rev=1" }

[[package]]
name = "mine"
version = "0.1"
source = { editable = "." }

[[package]]
name = "unknown"
source = { registry = "https://host/simple" }
""",
    "pdm.lock": """[metadata]
groups = ["default"]
[[package]]
name = "shoplib"
version = "1.2"
[[package]]
name = "other"
version = "3.0"
git = "https://host/x"
[[package]]
name = "mine"
version = "0.1"
path = "./libs/mine"
[[package]]
name = "unknown"
""",
    "Pipfile.lock": """{
    "_meta": {"hash": {}},
    "default": {
        "shoplib": {
            "version": "==1.2"
        },
        "mine": {"editable": true, "path": "."},
        "unknown": {"git": "https://host/x", "ref": "1"}
    },
    "develop": {
        "other": {
            "version": "==3.0"
        }
    }
}
""",
}


@pytest.mark.parametrize("name", LOCKS)
def test_each_format(name: str, tmp_path: Path) -> None:
    """Names and versions with the line that says so; own folders are own; what has no version is open."""
    write(tmp_path, {name: LOCKS[name]})
    inventory = Inventory()
    read_lock(tmp_path / name, name, inventory)
    assert sorted((pin.name, pin.version) for pin in inventory.pins) == [("other", "3.0"), ("shoplib", "1.2")]
    lines = LOCKS[name].splitlines()
    for pin in inventory.pins:
        assert pin.name in lines[pin.line - 1].lower()
    assert inventory.own == {"mine"}
    assert [each.name for each in inventory.open] == ["unknown"]


def test_groups_and_addresses_are_noted(tmp_path: Path) -> None:
    """What is for developers, or from an address of its own, says so."""
    write(tmp_path, LOCKS)
    inventory = Inventory()
    for name in ("poetry.lock", "Pipfile.lock"):
        read_lock(tmp_path / name, name, inventory)
    notes = {(pin.name, pin.path): pin.note for pin in inventory.pins}
    assert notes["shoplib", "poetry.lock"] == "group dev"
    assert notes["other", "poetry.lock"] == "from an address of its own"
    assert notes["other", "Pipfile.lock"] == "group develop"
    assert notes["shoplib", "Pipfile.lock"] == ""


def test_an_archive_that_lies_in_the_repository_is_not_own(tmp_path: Path) -> None:
    """A wheel of somebody else, checked in, has a version that can be looked up."""
    lock = '[[package]]\nname = "shoplib"\nversion = "1.2"\nsource = { path = "wheels/shoplib-1.2-py3-none-any.whl" }\n'
    write(tmp_path, {"uv.lock": lock})
    inventory = Inventory()
    read_lock(tmp_path / "uv.lock", "uv.lock", inventory)
    assert [pin.name for pin in inventory.pins] == ["shoplib"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("uv.lock", "[[package]\n", "no TOML"),
        ("uv.lock", "version = 1\n", "locks no package"),
        ("uv.lock", "package = 5\n", "locks no package"),
        ("Pipfile.lock", "{", "no JSON"),
        ("Pipfile.lock", "[]", "no JSON object"),
        ("Pipfile.lock", "[" * 100_000, "no JSON"),
        ("yarn.lock", "x", "not the name of a lock file. Known: pylock.toml"),
        ("poetry.lock", "a = " + "[" * 50_000, "no TOML"),
    ],
)
def test_unusable_lock_is_not_measured(name: str, text: str, says: str, tmp_path: Path) -> None:
    """A lock file that says nothing is no evidence."""
    write(tmp_path, {name: text})
    with pytest.raises(NotMeasured, match=says):
        read_lock(tmp_path / name, name, Inventory())


def test_declared_dependencies(tmp_path: Path) -> None:
    """[project] with its extras; the project itself, as in `own[extra]`, is the user's own."""
    text = """[project]
name = "Own"
dependencies = [
  "shoplib==1.2",
  "other>=3",
]
[project.optional-dependencies]
mail = ["mailer==4.0", "own[sms]"]
[dependency-groups]
test = ["tester==1.0"]
"""
    write(tmp_path, {"pyproject.toml": text})
    inventory = Inventory()
    read_pyproject(tmp_path / "pyproject.toml", "pyproject.toml", inventory)
    assert [(pin.name, pin.version, pin.line) for pin in inventory.pins] == [
        ("shoplib", "1.2", 4),
        ("mailer", "4.0", 8),
    ]
    assert [(each.name, each.line) for each in inventory.open] == [("other", 5), ("own", 8)]
    assert inventory.own == {"own"}


def test_poetry_of_old(tmp_path: Path) -> None:
    """[tool.poetry] has its own way to write versions: a bare one is exact, a caret is not."""
    text = '[tool.poetry]\nname = "own"\n[tool.poetry.dependencies]\npython = "^3.11"\na = "1.2"\nb = "^2"\nc = {version = "==3.1"}\nd = {path = "x"}\n'
    write(tmp_path, {"pyproject.toml": text})
    inventory = Inventory()
    read_pyproject(tmp_path / "pyproject.toml", "pyproject.toml", inventory)
    assert [(pin.name, pin.version) for pin in inventory.pins] == [("a", "1.2"), ("c", "3.1")]
    assert [each.name for each in inventory.open] == ["b"]
    assert inventory.own == {"own", "d"}


def test_computed_dependencies_are_open(tmp_path: Path) -> None:
    """`dynamic` says that nobody can know before the build."""
    write(tmp_path, {"pyproject.toml": '[project]\nname = "own"\ndynamic = ["dependencies"]\n'})
    inventory = Inventory()
    read_pyproject(tmp_path / "pyproject.toml", "pyproject.toml", inventory)
    assert [each.text for each in inventory.open] == ["dynamic dependencies"]


def test_pyproject_without_project_is_not_measured(tmp_path: Path) -> None:
    """A pyproject.toml that only configures tools declares nothing."""
    write(tmp_path, {"pyproject.toml": "[tool.ruff]\n"})
    with pytest.raises(NotMeasured, match=r"no \[project\]"):
        read_pyproject(tmp_path / "pyproject.toml", "pyproject.toml", Inventory())
