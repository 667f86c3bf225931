"""Prints how large the reports are and how long they take to write, by number of checks, 1 % of them failing.

python -m benchmarks.report_size
"""

from __future__ import annotations

import re
import time

from readiness.reports.json import document
from readiness.reports.publish import WRITERS
from tests.reports.samples import large


def main() -> None:
    """The table is on standard output."""
    print(f"{'checks':>8}  {'file':<12} {'kB':>9} {'ms':>8}  elements")
    for count in (100, 300, 1_000, 10_000):
        content = document(large(count, max(count // 100, 1)))
        for writer in WRITERS:
            writer.render(content)  # imports and templates are loaded once a run
            start = time.perf_counter()
            data = writer.render(content)
            took_ms = (time.perf_counter() - start) * 1000
            elements = len(re.findall(rb"<[a-zA-Z]", data)) if writer.name.endswith(".html") else ""
            print(f"{count:>8}  {writer.name:<12} {len(data) / 1000:>9.1f} {took_ms:>8.1f}  {elements}")


if __name__ == "__main__":
    main()
