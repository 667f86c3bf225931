"""Ways to break what security-scan looks at: code, dependencies and workflows of the repository."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.faults.entry import Fault, failed, unmeasured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.targets import Break, Changes, Targets

CODE, DEPENDENCIES, WORKFLOWS = (f"security-scan/{name}" for name in ("code", "dependencies", "workflows"))
_ADVISORY = "vulnerabilities/PYSEC-2026-1.json"
_WORKFLOW = """\
name: ci
on: push
permissions: {}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: echo hello
"""


def _advisory(age: dt.timedelta = dt.timedelta()) -> str:
    modified = (dt.datetime.now(dt.UTC) - age).isoformat()
    events = [{"introduced": "0"}, {"fixed": "1.4.2"}]
    package = {"ecosystem": "PyPI", "name": "shoplib"}
    affected = [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]
    return json.dumps({"id": "PYSEC-2026-1", "modified": modified, "aliases": ["CVE-2026-1001"], "affected": affected})


FILES = {
    "service/app.py": "def total(prices: list[float]) -> float:\n    return sum(prices)\n",
    "requirements.txt": "shoplib==1.4.2\n",
    _ADVISORY: _advisory(),
    ".github/workflows/ci.yml": _WORKFLOW,
}
"""Name to text: code without a weakness, a dependency that is mended, an advisory about it, and a workflow."""
TABLE = """
        bandit = { paths = ["service"] }
        dependencies = { requirements = ["requirements.txt"], database = "vulnerabilities" }
        workflows = { paths = [".github"] }
"""


def reading(name: str, text: str | None, told: Changes | None = None) -> Break:
    """A file of the repository has this text, or is not there.

    Args:
        name: of the file.
        text: None to remove it.
        told: what the run is told otherwise.
    """

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        file = targets.project.folder / name
        before = file.read_text() if file.exists() else None
        try:
            if text is None:
                file.unlink()
            else:
                targets.project.write(name, text)
            yield told or {}
        finally:
            if before is None:
                file.unlink()
            else:
                file.write_text(before)

    return breaks


SHELL = "import subprocess\n\nsubprocess.call('ls ' + name, shell=True)\n"

FAULTS: tuple[Fault, ...] = (
    failed(CODE, "shell", reading("service/app.py", SHELL), "service/app.py:3:1: B602: "),
    failed(
        CODE,
        "shell, by ruff",
        reading("service/app.py", SHELL, {"security-scan.bandit.engine": "ruff"}),
        "service/app.py:3:1: S602: ",
    ),
    failed(
        CODE, "no Python", reading("service/app.py", "x = (\n"), "this could not be scanned by bandit: syntax error"
    ),
    unmeasured(CODE, "no file", reading("service/app.py", None), "service"),
    unmeasured(
        CODE,
        "configuration broken",
        reading("bandit.yaml", "skips: [\n"),
        "bandit's configuration bandit.yaml cannot be read",
    ),
    failed(
        DEPENDENCIES,
        "vulnerable",
        reading("requirements.txt", "# web\nshoplib==1.4.1\n"),
        "requirements.txt:2:1: shoplib 1.4.1 has the known vulnerability CVE-2026-1001",
    ),
    unmeasured(
        DEPENDENCIES,
        "one not pinned",
        reading("requirements.txt", "shoplib==1.4.2\nother>=2\n"),
        "requirements.txt:2: other: no exact version is required (>=2)",
    ),
    unmeasured(
        DEPENDENCIES, "nothing pinned", reading("requirements.txt", "shoplib\n"), "name no package with its version"
    ),
    unmeasured(
        DEPENDENCIES,
        "old advisories",
        reading(_ADVISORY, _advisory(dt.timedelta(days=8))),
        "was changed 8.0 days ago, more than max-age = 7d",
    ),
    unmeasured(DEPENDENCIES, "no advisories", reading(_ADVISORY, None), "holds no advisory about a package of PyPI"),
    failed(
        WORKFLOWS,
        "injectable",
        reading(
            ".github/workflows/ci.yml",
            _WORKFLOW.replace("on: push", "on: issues").replace("hello", '"${{ github.event.issue.title }}"'),
        ),
        "template-injection: ",
    ),
    failed(
        WORKFLOWS,
        "no workflow",
        reading(".github/workflows/deploy.yml", "jobs: [\n"),
        "deploy.yml: this could not be audited",
    ),
    unmeasured(WORKFLOWS, "no file", reading(".github/workflows/ci.yml", None), "no file was found for '.github'"),
)
