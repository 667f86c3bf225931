"""10,000 generated checks: memory of the run, and that the decision takes time linear in their number.

Run: python benchmarks/many_checks.py
"""

from __future__ import annotations

import datetime as dt
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from timing import ENVIRON, pytest_command

from readiness.decision import Rules, decide, settle
from readiness.model import CheckResult, EnvironmentInfo, Measurement, Outcome, RunInfo, ServiceInfo, Severity

FEW, MANY = 1_000, 10_000
MEMORY_LIMIT_MB = 300
RATIO_LIMIT = 11
CONFIG = '[service]\nname = "bench"\n[policy]\ndeadline = "10m"\n[env.bench]\nkind = "live"\n'


def peak_of_run(count: int) -> tuple[float, float]:
    """Returns peak memory in MB and wall time in seconds of a run with that many checks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "readiness.toml").write_text(CONFIG)
        (folder / "checks").mkdir()
        (folder / "checks" / "test_bench.py").write_text(
            "import pytest\nfrom readiness import check\n\n"
            f"@pytest.mark.parametrize('number', range({count}))\n@check('bench/value')\n"
            "def test_value(measure, number):\n    measure('value', number, at_most=number)\n"
        )
        started = time.perf_counter()
        # A shell in between, so that the peak is that of this child and its own children.
        command = pytest_command("-p", "no:cacheprovider", "-q", "--env=bench")
        done = subprocess.run(command, cwd=folder, env=ENVIRON, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stdout[-3000:])
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, time.perf_counter() - started


def decision_time(count: int) -> float:
    """Returns the seconds that settling and deciding takes, one failing check in a hundred."""
    results = [
        CheckResult(
            f"bench/value[{n}]",
            "bench",
            "Value",
            Severity.BLOCKING,
            Outcome.FAILED if n % 100 == 0 else Outcome.PASSED,
            measurements=(Measurement("value", n, "", None, True),),
        )
        for n in range(count)
    ]
    rules = Rules("bench", dt.date(2026, 1, 1), configured=("bench",))
    times = []
    for _ in range(9):
        started = time.perf_counter()
        decide(
            [settle(result, rules) for result in results],
            (),
            rules,
            service=ServiceInfo("bench", "", "", False),
            environment=EnvironmentInfo("bench", "live", True),
            run=RunInfo("1", "", "", 0.0, 1),
        )
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    """Prints memory and ratio."""
    few, many = decision_time(FEW), decision_time(MANY)
    verdict = "holds" if many / few <= RATIO_LIMIT else "MISSED"
    print(f"decision of {MANY} checks {many * 1000:.1f} ms, of {FEW} {few * 1000:.1f} ms, ratio {many / few:.1f} (limit {RATIO_LIMIT}: {verdict})")  # fmt: skip
    small, small_s = peak_of_run(FEW)
    peak, wall_s = peak_of_run(MANY)
    verdict = "holds" if peak <= MEMORY_LIMIT_MB else "MISSED"
    print(f"run of {MANY} checks: peak {peak:.0f} MB (limit {MEMORY_LIMIT_MB}: {verdict}), {wall_s:.1f} s; {FEW}: {small:.0f} MB, {small_s:.1f} s, ratio of times {wall_s / small_s:.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
