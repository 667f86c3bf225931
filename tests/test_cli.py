"""The console command: what it prints where, what it writes, and that whatever is wrong ends in exit status 4."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import jsonschema
import pytest

from readiness import __version__, cli
from readiness.config.schema import config_schema
from readiness.gate import builtin_gates
from readiness.reports.json import report_schema

APPLICATION = """
from fastapi import FastAPI
app = FastAPI()

@app.get("/health")
def health(): return {}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with an application and an owner; the current folder."""
    (tmp_path / "service.py").write_text(APPLICATION)
    (tmp_path / "CODEOWNERS").write_text("* @shop/platform\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- the command line -----------------------------------------------------------------------------------------------


def test_entry_point_is_main() -> None:
    """The console script calls `main`."""
    (script,) = entry_points(group="console_scripts", name="readiness")
    assert script.load() is cli.main


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the package."""
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"readiness {__version__}\n"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Commands to come are listed as such."""
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"    {name} " in text for name in (*cli.AVAILABLE, *cli.NOT_YET))


@pytest.mark.parametrize("command", cli.NOT_YET)
@pytest.mark.parametrize("rest", [[], ["a", "--b"], ["--help"]])
def test_commands_to_come_are_refused(command: str, rest: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A reserved name is not available yet, whatever follows it."""
    assert cli.main([command, *rest]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    known = "init, schema, explain, baseline, rollout"
    assert err == f"readiness: `readiness {command}` is not available yet.\nAvailable: {known}.\n"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], ["no command", "init, schema", "--help"]),
        (["inti"], ["no command 'inti'", "Did you mean 'init'?"]),
        (["schema"], ["config|report"]),
        (["schema", "confg"], ["no schema of 'confg'", "Did you mean 'config'?"]),
        (["init", "--forse"], ["--forse"]),
        (["init", "--forc"], ["--forc"]),
        (["init", "--path"], ["--path", "expected one argument"]),
        (["init", "--path", "missing"], ["'missing' is no folder", "--path=DIR"]),
        (["init", "--path", "a\0b"], ["is no folder"]),
        (["schema", "config", "--output", "missing/schema.json"], ["'missing/schema.json' cannot be written"]),
    ],
)
def test_usage_errors_end_in_4(
    argv: list[str], words: list[str], shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message stands on standard error, says what was seen and what to do, and nothing is written."""
    before = sorted(shop.iterdir())
    assert cli.main(argv) == cli.USAGE_ERROR == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("readiness: ")
    assert all(word in err for word in words)
    assert "invalid" not in err
    assert sorted(shop.iterdir()) == before


# --- schema ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"), [("config", config_schema(builtin_gates())), ("report", report_schema())]
)
def test_schema(name: str, expected: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The schema is printed, or written where `--output` says; it is a JSON Schema."""
    assert cli.main(["schema", name]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == expected
    jsonschema.Draft202012Validator.check_schema(json.loads(printed))
    file = tmp_path / "schema.json"
    file.write_text("old and longer than what is there now" * 10_000)
    assert cli.main(["schema", name, "--output", str(file)]) == 0
    assert file.read_text("utf-8") == printed
    assert capsys.readouterr().out == ""


def test_reader_that_stops_reading_is_no_error() -> None:
    """`readiness schema config | head -1` ends without a traceback."""
    command = [sys.executable, "-m", "readiness.cli", "schema", "config"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, check=False, timeout=30)
    assert done.stderr == b""
    assert done.returncode == 1


# --- init -----------------------------------------------------------------------------------------------------------


def test_init_writes_what_it_finds(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is there, what it was made from is said, and so is what to do next."""
    assert cli.main(["init"]) == 0
    document = tomllib.loads((shop / "readiness.toml").read_text("utf-8"))
    assert document["env"]["local"]["service"] == ["uvicorn", "service:app", "--port", "{port}"]
    out, err = capsys.readouterr()
    assert out.startswith("readiness.toml was written.\nFound: FastAPI application service:app, 1 health endpoint.\n")
    assert "filled in" not in out
    assert out.endswith("    pytest --env=local\n")
    assert err == ""


def test_init_lists_each_line_to_fill_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In an empty folder a file is written all the same; that nothing was found is said, with each `file:line`."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").touch()
    assert cli.main(["init", "--path", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "Nothing of a service was found" in out
    assert "4 lines are to be filled in:" in out
    file = tmp_path / "readiness.toml"
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        assert (f"{file}:{number}: " in out) == line.startswith("# FILL IN: ")


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_init_refuses_what_is_there(kind: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An existing configuration is left alone, also a link to nowhere and what is no file at all."""
    target = shop / "readiness.toml"
    match kind:
        case "file":
            target.write_text("mine")
        case "link":
            target.symlink_to("elsewhere.toml")
        case "folder":
            target.mkdir()
    assert cli.main(["init"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("readiness: readiness.toml exists already.\nPass --force")
    assert kind != "file" or target.read_text() == "mine"
    assert not (shop / "elsewhere.toml").exists()


def test_init_force_replaces(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With `--force` the file is replaced; a link is replaced itself, and what it led to is left alone."""
    (shop / "shared.toml").write_text("shared")
    (shop / "readiness.toml").symlink_to("shared.toml")
    assert cli.main(["init", "--force"]) == 0
    assert capsys.readouterr().out.startswith("readiness.toml was replaced.")
    assert (shop / "shared.toml").read_text() == "shared"
    assert not (shop / "readiness.toml").is_symlink()
    first = (shop / "readiness.toml").read_bytes()
    assert cli.main(["init", "--force"]) == 0
    assert (shop / "readiness.toml").read_bytes() == first
    assert {file.name for file in shop.iterdir()} == {"service.py", "CODEOWNERS", "shared.toml", "readiness.toml"}


def test_init_that_cannot_write_leaves_nothing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be replaced is said, and no half-written file stays behind."""
    (shop / "readiness.toml").mkdir()
    assert cli.main(["init", "--force"]) == 4
    assert "'readiness.toml' cannot be written: " in capsys.readouterr().err
    assert {file.name for file in shop.iterdir()} == {"service.py", "CODEOWNERS", "readiness.toml"}


def test_init_refuses_to_hide_a_configuration_in_pyproject(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A `readiness.toml` would win over [tool.readiness]; that takes `--force`."""
    (shop / "pyproject.toml").write_text("[tool.readiness.service]\nname = 'x'\n")
    assert cli.main(["init"]) == 4
    assert "pyproject.toml holds a configuration, [tool.readiness]" in capsys.readouterr().err
    assert not (shop / "readiness.toml").exists()
    assert cli.main(["init", "--force"]) == 0


def test_init_dry_run_prints_and_writes_nothing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output holds what would be written and nothing else; an existing file is no obstacle."""
    assert cli.main(["init"]) == 0
    written = (shop / "readiness.toml").read_text("utf-8")
    capsys.readouterr()
    (shop / "readiness.toml").write_text("mine")
    assert cli.main(["init", "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert out == written
    assert err.startswith("readiness.toml: nothing was written (--dry-run).")
    assert (shop / "readiness.toml").read_text() == "mine"


def test_init_runs_no_code_of_the_user(shop: Path) -> None:
    """Source is read, never imported: neither the application nor a module that looks like one of this package's."""
    trap = "import pathlib\npathlib.Path('ran').touch()\n"
    for name in ("service.py", "sitecustomize.py", "conftest.py", "alembic.py", "tomllib.py", "manage.py"):
        (shop / name).write_text(trap + APPLICATION)
    script = Path(sys.executable).with_name("readiness")
    done = subprocess.run([script, "init"], cwd=shop, check=False, capture_output=True, timeout=30)
    assert done.returncode == 0
    assert done.stderr == b""
    assert not (shop / "ran").exists()


def test_output_that_cannot_be_shown_is_escaped(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that knows ASCII only gets escapes instead of a traceback; control characters reach none."""
    folder = shop / "Störung\x1b[31m"
    folder.mkdir()
    (folder / "service.py").write_text(APPLICATION)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert cli.main(["init", "--path", str(folder)]) == 0
    stream.seek(0)
    text = stream.read()
    assert "St\\xf6rung" in text
    assert "\x1b" not in text
