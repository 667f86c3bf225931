"""What evidence, decision and reports cost: 200 trivial checks against the same 200 as bare pytest tests.

Run: python benchmarks/run_overhead.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from timing import compare, pytest_command, report, run

CHECKS = 200
CONFIG = '[service]\nname = "bench"\n[env.bench]\nkind = "live"\n'


def main() -> None:
    """Prints the ratio of the wall times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "readiness.toml").write_text(CONFIG)
        (folder / "checks").mkdir()
        (folder / "bare").mkdir()
        checks = "".join(
            f"@check('bench/check-{n}')\ndef test_{n}(measure):\n    measure('value', {n}, at_most={n})\n    assert {n} == {n}\n"
            for n in range(CHECKS)
        )
        bare = "".join(f"def test_{n}():\n    assert {n} <= {n}\n    assert {n} == {n}\n" for n in range(CHECKS))
        (folder / "checks" / "test_bench.py").write_text(f"from readiness import check\n{checks}")
        (folder / "bare" / "test_bench.py").write_text(bare)
        judged = pytest_command("-p", "no:cacheprovider", "--env=bench")
        plain = pytest_command("-p", "no:cacheprovider", "-p", "no:readiness", "bare")
        result = compare(lambda: run(judged, folder), lambda: run(plain, folder), rounds=15)
    report(f"{CHECKS} trivial checks with evidence and reports", result, 1.5)


if __name__ == "__main__":
    main()
