"""What the workflow and the action for GitHub make of a run: their own scripts, with a real pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.project import Project

GITHUB = Path(__file__).parents[2] / ".github"


def script(file: str) -> str:
    """Returns what the step `judge` runs."""
    document: dict[str, Any] = yaml.safe_load((GITHUB / file).read_text())
    steps = document["runs"]["steps"] if "runs" in document else document["jobs"]["judge"]["steps"]
    return str(next(step["run"] for step in steps if step.get("id") == "judge"))


def judge(project: Project, file: str, arguments: str = "") -> tuple[int, str]:
    """Returns the exit status of the step and what it puts out."""
    names = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
    files = {name: str(project.write(name, "")) for name in names}
    inputs = {"ENVIRONMENT": "staging", "CONFIG": "readiness.toml", "ARGUMENTS": arguments, "VARIABLES": ""}
    environ = project.environ(**files, **inputs)
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script(file)],
        cwd=project.folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, Path(files["GITHUB_OUTPUT"]).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("file", ["action.yml", "workflows/pre-deploy.yml"])
def test_output_is_the_decision_of_this_run(project: Project, file: str) -> None:
    """GO comes of a report that says so; what judges nothing fails, also where an older report says GO."""
    assert judge(project, file) == (0, "decision=GO\n")
    assert judge(project, file, "--collect-only") == (1, "nothing-judged=true\n")
    assert judge(project, file) == (0, "decision=GO\n")
    assert judge(project, file, "--gate=nothing") == (4, "nothing-judged=true\n")
    project.site.answers["/live"] = (503, "text/plain", "no")
    assert judge(project, file) == (1, "decision=NO-GO\n")
