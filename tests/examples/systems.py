"""The five systems of the runbooks: a copy of each example, judged by real runs, and the faults that these must find."""

from __future__ import annotations

import ast
import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.project import Judged

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SYSTEMS = ("compliance-kit", "compliance-agent", "doppelganger-studio", "rag-chatbot", "audit-app")
RESERVED = frozenset(
    [
        "unit-tests",
        "code-quality",
        "metrics",
        "logs",
        "tls",
        "api-security",
        "kubernetes",
        "compose",
        "queue",
        "freshness",
        "backup",
        "runbook",
        "sign-off",
    ]
)
"""Gates that a README may name for what is not judged yet."""
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "reports", ".pytest_cache")


@dataclass(frozen=True)
class Case:
    """A fault of a system, and which checks of its run must not pass. All others must."""

    system: str
    faults: str
    fails: frozenset[str]
    """Ids; one that ends in `*` stands for every check whose id begins so."""
    environ: dict[str, str] = field(default_factory=dict)
    """Variables of the service, besides FAULTS."""
    limits: Mapping[str, object] = field(default_factory=dict)
    """`gate.key` to a value that a test can wait for, where that of the runbook takes minutes."""

    def __str__(self) -> str:
        what = [self.faults, *(f"{name}={value}" for name, value in self.environ.items())]
        return f"{self.system}: {','.join(filter(None, what))}"

    def must_fail(self, check: str) -> bool:
        """Whether this check must not pass."""
        return any(check == each or (each.endswith("*") and check.startswith(each[:-1])) for each in self.fails)


@dataclass(frozen=True)
class Slip:
    """An edit of a system's files, and the check that must notice it. All others must pass."""

    system: str
    file: str
    old: str
    """What stands there; empty to add to the end of the file, or to write a new one."""
    new: str
    fails: str
    rule: str
    """Of its finding."""

    def __str__(self) -> str:
        return f"{self.system}: {self.rule} in {self.file}"


STATIC_GATES = ("config-lint", "placeholder-audit", "security-scan")


class System:
    """A copy of one example, beside a copy of what the examples share."""

    def __init__(self, name: str, folder: Path) -> None:
        self.folder = folder / name
        shutil.copytree(EXAMPLES / name, self.folder, ignore=_LEFT_OUT)
        shutil.copytree(EXAMPLES / "service_base", folder / "service_base", ignore=_LEFT_OUT)
        self._config = (self.folder / "readiness.toml").read_text(encoding="utf-8")
        self._runs = itertools.count(1)

    @contextlib.contextmanager
    def edited(self, slip: Slip) -> Iterator[None]:
        """The file is other than it should be, and then as it was."""
        file = self.folder / slip.file
        before = file.read_text(encoding="utf-8") if file.exists() else None
        assert slip.old in (before or ""), f"{slip}: the file does not say {slip.old!r}"
        after = before.replace(slip.old, slip.new, 1) if before and slip.old else (before or "") + slip.new
        file.write_text(after, encoding="utf-8")
        try:
            yield
        finally:
            if before is None:
                file.unlink()
            else:
                file.write_text(before, encoding="utf-8")

    def judge(
        self,
        faults: str = "",
        limits: Mapping[str, object] | None = None,
        gates: Sequence[str] = (),
        **environ: str,
    ) -> Judged:
        """Returns what `pytest --env=local` says; `limits` are laid over the configuration's; no `gates` are all."""
        lines = [
            f"[env.local.{name.partition('.')[0]}]\n{name.partition('.')[2]} = {json.dumps(value)}\n"
            for name, value in (limits or {}).items()
        ]
        (self.folder / "readiness.toml").write_text("\n".join([self._config, *lines]), encoding="utf-8")
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST_", "COV_", "READINESS_", "TOX_"))
        }
        reports = self.folder / "reports" / str(next(self._runs))
        done = subprocess.run(
            # Without the other plugins that are installed: loading them takes a third of each run.
            [
                *(sys.executable, "-m", "pytest", "-p", "readiness.plugin", "--env=local"),
                *(f"--readiness-reports={reports}", *(f"--gate={gate}" for gate in gates)),
            ],
            cwd=self.folder,
            env={**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200", "FAULTS": faults, **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Judged(done.returncode, done.stdout + done.stderr, reports)


def coverage(name: str) -> dict[str, str]:
    """Returns what the README of an example says covers each item of its runbook."""
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    section = text.partition("## What of the runbook is judged\n")[2].partition("\n## ")[0]
    rows = [row.strip("| ").partition(" | ")[::2] for row in section.splitlines() if row.startswith("| ")]
    return dict(rows[1:])


def named(text: str) -> list[str]:
    """Returns the checks and gates that stand in backticks."""
    return [each for each in _quoted(text) if not _is_file(each)]


def named_files(text: str) -> list[str]:
    """Returns the files that stand in backticks."""
    return [each for each in _quoted(text) if _is_file(each)]


def _quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def _is_file(name: str) -> bool:
    """A check's or gate's name has no dot before its parameter."""
    return "." in name.partition("[")[0]


def known_checks(name: str) -> set[str]:
    """Returns the ids of the built-in checks, without parameters, from the source of their files; of metrics by name."""
    document = tomllib.loads((EXAMPLES / name / "readiness.toml").read_text(encoding="utf-8"))
    tables = [document.get("rollout", {}), *(each.get("rollout", {}) for each in document["env"].values())]
    ids = {f"rollout/{metric['name']}" for table in tables for metric in table.get("metric", ())}
    for file in (ROOT / "checks").glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "check":
                ids |= {str(each.value) for each in node.args[:1] if isinstance(each, ast.Constant)}
    return ids
