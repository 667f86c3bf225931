"""Configurations to load, and a loader with everything at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from readiness.config.baseline import EMPTY
from readiness.config.loading import load
from readiness.config.model import Settings
from readiness.errors import ConfigError, Problem
from readiness.gate import Gate, builtin_gates
from readiness.redact import Redactor

MINIMAL = """
[service]
name = "shop"

[env.x]
kind = "live"
url = "https://shop.example"
"""

# Every table and key that the documentation shows.
FULL = (Path(__file__).parent / "full.toml").read_text("utf-8")
FULL_ENVIRON = {
    "STAGING_TOKEN": "tok-6f9a13c2e0",
    "STAGING_DATABASE_URL": "postgresql://judge:pg-7c1e55@db.internal:5432/reports",
    "STAGING_REDIS_URL": "redis://:rd-90ab12@cache.internal:6379/0",
    "RELEASE": "2026.11.3",
}


@dataclass
class Folder:
    """A folder with a configuration."""

    path: Path
    name: str = "readiness.toml"
    redactor: Redactor = field(default_factory=Redactor)

    def write(self, text: str, name: str | None = None) -> Path:
        """Writes a file, by default the configuration."""
        file = self.path / (name or self.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    def load(
        self,
        text: str | None = None,
        environment: str = "x",
        *,
        environ: Mapping[str, str] | None = None,
        plan: bool = False,
        gates: Sequence[Gate] | None = None,
        own: Sequence[str] = (),
        only: Sequence[str] = (),
    ) -> Settings:
        """Returns the settings; `text` is written first where it is given."""
        if text is not None:
            self.write(text)
        return load(
            environment,
            start=self.path,
            path=self.path / self.name,
            environ=environ or {},
            gates=builtin_gates() if gates is None else gates,
            extra_gates=own,
            only=only,
            plan=plan,
            redactor=self.redactor,
        )

    def problems(self, text: str, environment: str = "x", **options: object) -> list[Problem]:
        """What loading `text` reports."""
        load_it: Callable[..., Settings] = self.load
        with pytest.raises(ConfigError) as caught:
            load_it(text, environment, **options)
        return list(caught.value.problems)

    def lines(self, text: str, environment: str = "x", **options: object) -> list[str]:
        """The same, as shown."""
        return [str(problem) for problem in self.problems(text, environment, **options)]


def full(folder: Path) -> Folder:
    """Returns a folder with the full example and the files that it names."""
    made = Folder(folder)
    made.write(FULL)
    made.write("# Runbook\n", "docs/runbook.md")
    made.write('{"type": "object"}', "schemas/openapi.json")
    made.write("", "requirements.txt")
    made.write(EMPTY, ".secrets.baseline")
    for name in ("checks", "migrations", "src", "vulnerabilities"):
        (folder / name).mkdir()
    return made
