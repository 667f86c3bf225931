"""Opens a report in a real browser and holds its heading against a decision: `python -m tests.reports.open_report PATH GO`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.reports.browser import Browser


def main(path: Path, decision: str) -> int:
    """Returns 0 if the page's heading and the report.json beside it say the decision, and the page loads cleanly."""
    written = json.loads(path.with_name("report.json").read_text("utf-8"))["decision"]
    with Browser() as browser:
        page = browser.open(path.resolve().as_uri())
        heading = page.evaluate("document.querySelector('h1').innerText")
    words = heading.replace("\N{NON-BREAKING HYPHEN}", "-").split()
    troubles = [
        *([] if written == decision else [f"report.json says {written}"]),
        *(
            []
            if decision in words and words.count("GO") + words.count("NO-GO") == 1
            else [f"the heading is {heading!r}"]
        ),
        *page.complaints,
    ]
    print(f"{path}: the heading is {heading!r}", *troubles, sep="\n")  # noqa: T201 - a command's output
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
