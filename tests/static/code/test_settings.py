"""bandit's own configuration counts as in bandit itself; one that cannot be read leaves nothing measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.config.security_tables import Bandit
from readiness.errors import NotMeasured
from readiness.static.code import observe
from readiness.static.code.settings import BanditSettings, from_json, read
from tests.static.listing import budget, lister, write

CODE = "import subprocess\nassert a\nsubprocess.call('ls ' + name, shell=True)\n"


def told(folder: Path, named: str | None = None) -> list[str]:
    table = Bandit(paths=["."], severity="low", confidence="low", config=named)
    scanned = observe(table, folder=folder, budget=budget(), cache=None, files=lister(folder))
    return [f"{each.path}:{each.text[:4]}" for each in scanned.of("security-scan/code")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[tool.bandit]\nskips = ['B101', 'B404']\nexclude_dirs = ['generated']\n"),
        ("bandit.yaml", "skips: [B101, B404]\nexclude_dirs: [generated]\n"),
        ("bandit.yml", "skips: [B101, B404]\nexclude_dirs: ['*/generated/*']\n"),
        ("bandit.toml", "[tool.bandit]\nskips = ['B101', 'B404']\nexclude_dirs = ['./generated']\n"),
        (".bandit", "[bandit]\nskips = B101,B404\nexclude = generated\n"),
        (".bandit", "skips: [B101, B404]\nexclude_dirs: [generated]\n"),
        (".bandit", "[bandit]\ntests = B602\nexclude = ./generated\n"),
    ],
)
def test_own_configuration_is_found(name: str, text: str, tmp_path: Path) -> None:
    """Each file that bandit knows, in each form, selects tests and leaves out files."""
    write(tmp_path, {"a.py": CODE, "generated/b.py": CODE, name: text})
    assert told(tmp_path) == ["a.py:B602"]
    assert read(tmp_path).files == (name,)


def test_named_configuration_counts(tmp_path: Path) -> None:
    """The file that readiness.toml names is read and not the one that would be found."""
    write(tmp_path, {"a.py": CODE, "bandit.yaml": "tests: [B101]\n", "ci/b.yaml": "tests: [B602]\n"})
    assert told(tmp_path, "ci/b.yaml") == ["a.py:B602"]


def test_ini_and_file_add_up(tmp_path: Path) -> None:
    """`.bandit` names further options and the file with the rest, as for bandit itself."""
    own = "[bandit]\nconfigfile = deep/b.yaml\nskips = B101\n"
    write(tmp_path, {"a.py": CODE, ".bandit": own, "deep/b.yaml": "skips: [B404]\n"})
    assert told(tmp_path) == ["a.py:B602"]
    assert read(tmp_path).files == (".bandit", "deep/b.yaml")


def test_settings_of_single_tests_reach_bandit(tmp_path: Path) -> None:
    """`assert_used` takes a list of files; the others keep bandit's defaults."""
    write(
        tmp_path, {"a_ok.py": CODE, "b.py": CODE, "bandit.yaml": "tests: [B101]\nassert_used: {skips: ['*_ok.py']}\n"}
    )
    assert told(tmp_path) == ["b.py:B101"]


def test_ignore_nosec_is_honoured(tmp_path: Path) -> None:
    """`ignore-nosec` makes every finding count."""
    write(tmp_path, {"a.py": "eval(a)  # nosec\n", ".bandit": "[bandit]\nignore-nosec = true\n"})
    assert told(tmp_path) == ["a.py:B307"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"pyproject.toml": "[tool.bandit\n"}, "pyproject.toml cannot be read"),
        ({"bandit.yaml": "skips: [\n"}, "bandit.yaml cannot be read"),
        ({"bandit.yaml": "- a\n"}, "bandit.yaml is no table"),
        ({"bandit.yaml": "skips: B101\n"}, "skips in bandit.yaml is no list of texts"),
        ({"bandit.yaml": "tests: [B101]\nskips: [B101]\n"}, "both selects and skips B101"),
        ({"bandit.yaml": "tests: [B999]\n"}, "no test is left to run"),
        ({"bandit.yaml": "exclude_dirs: ['*']\n"}, "leaves out all of the 1 Python files"),
        ({"bandit.yaml": b"\xff\xfe\x00"}, "no UTF-8"),
        ({".bandit": "[other]\n"}, "no section \\[bandit\\]"),
        ({".bandit": "[bandit]\nconfigfile = gone.yaml\n"}, "gone.yaml cannot be read"),
    ],
)
def test_unusable_configuration_is_not_measured(files: dict[str, str | bytes], says: str, tmp_path: Path) -> None:
    """Bandit would go on with its defaults, or scan nothing; here that is told."""
    write(tmp_path, {"a.py": CODE} | files)
    with pytest.raises(NotMeasured, match=says):
        told(tmp_path)


def test_pyproject_without_bandit_is_none(tmp_path: Path) -> None:
    """A pyproject.toml for something else is no configuration of bandit."""
    write(tmp_path, {"pyproject.toml": "[project]\nname = 'x'\n"})
    assert read(tmp_path) == BanditSettings()


def test_settings_cross_processes() -> None:
    """What is sent to a worker is what it gets."""
    settings = BanditSettings(("a",), {"x": {"y": [1]}}, ("B101",), ("B102",), ("e",), ("*.py",), ignore_nosec=True)
    assert from_json(settings.as_json()) == settings
