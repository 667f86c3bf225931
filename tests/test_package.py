"""What is shipped, and what it costs a run that judges nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WITHIN_S = 60
SHIPPED = {
    *(file.relative_to(ROOT).as_posix() for file in (ROOT / "readiness").rglob("*") if file.is_file()),
    *(f"readiness/checks/{file.name}" for file in (ROOT / "checks").glob("*.py")),
}
"""Every file of the package, and the checks in it."""
CACHE = re.compile(r"(^|/)(__pycache__|\.[^/]+)/")
MODULES_LOADED = """
import json, sys
from pathlib import Path

def test_modules():
    Path("modules.json").write_text(json.dumps(sorted(sys.modules)))
"""


def _python(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "PYTHONPATH"))}
    return subprocess.run(
        [sys.executable, *args],
        cwd=folder,
        env=kept | {"PY_COLORS": "0", "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def _build(source: Path, target: str, folder: Path) -> Path:
    done = _python(source, "-m", "hatchling", "build", "-t", target, "-d", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this repository."""
    return _build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


# --- what is shipped ---------------------------------------------------------------------------------------------------


def test_wheel_holds_the_package_and_its_checks(wheel: Path) -> None:
    """Every module, template, schema and check is in the wheel, and the marker that says it is typed."""
    names = _names(wheel)
    assert {name for name in SHIPPED if not CACHE.search(name)} - names == set()
    assert {"readiness/py.typed", "readiness/checks/test_health.py"} <= names
    assert any(name.endswith(".schema.json") for name in names)
    assert any(name.startswith("readiness/reports/html/") and not name.endswith(".py") for name in names)


def test_wheel_brings_no_generic_name(wheel: Path) -> None:
    """Nothing but `readiness` lands in site-packages: no `checks`, `tests` or `conftest` that others could import."""
    tops = {name.split("/")[0] for name in _names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"readiness"}
    assert not [name for name in _names(wheel) if CACHE.search(name)]


def test_wheel_declares_plugin_command_and_licence(wheel: Path) -> None:
    """Pytest finds the plugin, a shell the command and a reader the licence."""
    with zipfile.ZipFile(wheel) as archive:
        info = next(name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name)
        entry_points = archive.read(f"{info}/entry_points.txt").decode()
        licence = archive.read(f"{info}/licenses/LICENSE").decode()
    assert "[pytest11]\nreadiness = readiness.plugin" in entry_points
    assert "readiness = readiness.cli:main" in entry_points
    assert licence.startswith("MIT License")


def test_wheel_is_the_same_from_the_source_archive(wheel: Path, tmp_path: Path) -> None:
    """Who builds from the published source archive gets the published wheel."""
    with tarfile.open(_build(ROOT, "sdist", tmp_path / "sdist")) as archive:
        if hasattr(tarfile, "data_filter"):  # from Python 3.11.4 on; 3.12 warns where none is named
            archive.extractall(tmp_path / "source", filter="data")
        else:
            archive.extractall(tmp_path / "source")
    (source,) = (tmp_path / "source").iterdir()
    assert _names(_build(source, "wheel", tmp_path / "wheel")) == _names(wheel)


# --- a run that judges nothing -----------------------------------------------------------------------------------------


def _modules_of_run(folder: Path, *args: str) -> set[str]:
    (folder / "test_modules.py").write_text(MODULES_LOADED)
    done = _python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *args)
    assert done.returncode == 0, done.stdout + done.stderr
    loaded: list[str] = json.loads((folder / "modules.json").read_text())
    return set(loaded)


def test_inactive_run_imports_only_the_plugin(tmp_path: Path) -> None:
    """Without an environment, installing this plugin adds two light modules to a pytest run and nothing heavy."""
    with_plugin = _modules_of_run(tmp_path)
    without = _modules_of_run(tmp_path, "-p", "no:readiness")
    assert {name for name in with_plugin if name.split(".")[0] == "readiness"} == {"readiness", "readiness.plugin"}
    assert with_plugin - without <= {"readiness", "readiness.plugin"}


def test_inactive_run_prints_nothing(tmp_path: Path) -> None:
    """Without an environment, a run reads exactly as if the plugin were not installed, also beside a readiness.toml."""
    (tmp_path / "readiness.toml").write_text("not even TOML [")
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")

    def output(*args: str) -> str:
        done = _python(tmp_path, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-v", *args)
        assert done.returncode == 0, done.stdout + done.stderr
        text = re.sub(r"^plugins: .*\n", "", done.stdout + done.stderr, flags=re.MULTILINE)
        return re.sub(r"in \d+\.\d+s", "in 0s", text)

    assert output() == output("-p", "no:readiness")


def test_importing_the_package_imports_nothing_else(tmp_path: Path) -> None:
    """Public names are resolved on first use, and each of them can be."""
    code = (
        "import sys; before = set(sys.modules); import readiness; after = set(sys.modules) - before;"
        " print(*sorted(after)); [getattr(readiness, name) for name in readiness.__all__];"
        " print(*sorted(set(readiness.__all__) - set(dir(readiness))))"
    )
    done = _python(tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    loaded, missing = done.stdout.split("\n")[:2]
    assert {name.split(".")[0] for name in loaded.split()} <= {"readiness", *sys.stdlib_module_names}
    assert not {name for name in loaded.split() if name.startswith("readiness.")}
    assert missing == ""


# --- what the README promises ------------------------------------------------------------------------------------------


def test_readme_gives_the_two_commands() -> None:
    """A newcomer needs Python, pip and git, and one of these two lines; they are the lines that CI runs."""
    set_up = r"python3 -m venv \.venv && \.venv/bin/pip install (--quiet )?tox && \.venv/bin/tox run -e"
    lines = [line.strip().removeprefix("$ ") for line in (ROOT / "README.md").read_text("utf-8").splitlines()]
    first, second = [line for line in lines if line.startswith("python3 -m venv")]
    assert re.fullmatch(f"{set_up} local", first)
    assert re.fullmatch(f"{set_up} tests", second)
