"""The benchmark of the judge runs, and its table has every row; its figures are for the full run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[2]
PLOTS = ("rollout-detection.svg", "rollout-evidence.svg", "rollout-false-rollbacks.svg")


@pytest.mark.slow
def test_quick_run_prints_every_row_and_draws(tmp_path: Path) -> None:
    """Without verdicts: a few runs prove nothing."""
    pytest.importorskip("numpy", reason="the dependency group `benchmark` is not installed")
    command = [sys.executable, str(ROOT / "benchmarks" / "rollout_simulation.py"), "--quick", "--plots", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = (
        *(f"false rollback, {scenario}" for scenario in ("plain", "spike", "drift", "incident")),
        *(f"false rollback by {peer}" for peer in ("thresholds", "failure limit", "rank test")),
        *("2x of 0.5 %", "5x of 0.5 %", "10x of 0.5 %", "50 % errors from the start", "promoted with no traffic"),
        *("promoted with Prometheus down", "promoted although the true rate is 1.0%", "healthy 0.1 % at 20 rps"),
        *("splitting every interval", "a look at 20 metrics", "too few runs for a verdict"),
    )
    missing = [row for row in rows if row not in done.stdout]
    assert not missing, done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == list(PLOTS)


def test_plots_of_the_documentation_are_there_and_well_formed() -> None:
    """And docs/rollout.md shows each."""
    text = (ROOT / "docs" / "rollout.md").read_text("utf-8")
    for name in PLOTS:
        ET.parse(ROOT / "docs" / "images" / name)
        assert f"images/{name}" in text
