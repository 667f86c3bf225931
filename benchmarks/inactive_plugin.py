"""What the plugin costs a pytest run that judges nothing: collecting 5,000 tests with it and without it.

Run: python benchmarks/inactive_plugin.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from timing import compare, pytest_command, report, run

FILES, TESTS = 50, 100


def main() -> None:
    """Prints the ratio of the wall times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(FILES):
            body = "".join(f"def test_{index}():\n    assert {index} == {index}\n" for index in range(TESTS))
            (folder / f"test_file_{number}.py").write_text(body)
        collect = pytest_command("--collect-only", "-qq", "-p", "no:cacheprovider")
        result = compare(lambda: run(collect, folder), lambda: run([*collect, "-p", "no:readiness"], folder), rounds=15)
    report(f"inactive plugin, collection of {FILES * TESTS} tests", result, 1.02)


if __name__ == "__main__":
    main()
