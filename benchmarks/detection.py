"""What the checks find and what they imagine: every fault of the catalogue, and healthy runs of the five examples.

The first figure is the share of the faults that the right check reports, and no other; the second is how
many of so many runs of each healthy example end otherwise than in GO.

Run in the repository, with the dependency group `test` installed: python benchmarks/detection.py [RUNS]
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from readiness.model import Outcome
from tests.examples.systems import SYSTEMS, System
from tests.faults.catalogue import FAULTS, HEALTHY
from tests.faults.entry import Fault
from tests.faults.targets import Targets
from tests.project import Judged
from tests.servers import Servers

RUNS = 20


def is_found(fault: Fault, judged: Judged) -> bool:
    """Returns whether the run is NO-GO because of the fault's check, and every other check has passed that can."""
    status = 0 if fault.outcome is Outcome.ADVISORY else 1
    is_seen = judged.status == status and judged.outcomes.get(fault.check) == fault.outcome
    return is_seen and all(map(fault.is_spoilt, not_passed(judged)))


def not_passed(judged: Judged) -> list[str]:
    """Returns the ids of the checks that came to anything else than a pass."""
    return [check for check, outcome in judged.outcomes.items() if outcome != "passed"]


def faults(folder: Path) -> None:
    """Prints how many of the faults are found."""
    with Servers() as servers, ExitStack() as stack:
        targets = Targets(folder, servers, HEALTHY, stack)
        missed = []
        for fault in FAULTS:
            with fault.breaks(targets) as changes:
                if not is_found(fault, targets.judge([fault.gate], changes)):
                    missed.append(fault)
    found = len(FAULTS) - len(missed)
    verdict = "holds" if not missed else f"MISSED: {', '.join(map(str, missed))}"
    print(
        f"faults of the catalogue: {found} of {len(FAULTS)} found by the right check and no other (limit all: {verdict})"
    )


def alarms(folder: Path, runs: int) -> None:
    """Prints how many healthy runs of the examples are not GO, and what they said."""
    said: list[str] = []
    for name in SYSTEMS:
        (folder / name).mkdir()
        system = System(name, folder / name)
        for _ in range(runs):
            judged = system.judge()
            if judged.status != 0:
                said.append(f"{name}: {', '.join(not_passed(judged))}")
    verdict = "holds" if not said else "MISSED: " + "; ".join(said)
    print(f"false alarms: {len(said)} in {runs} runs of each of {len(SYSTEMS)} healthy examples (limit 0: {verdict})")


def main() -> None:
    """Prints both figures."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory(prefix="readiness-detection-") as name:
        for part in ("faults", "examples"):
            (Path(name) / part).mkdir()
        alarms(Path(name) / "examples", runs)
        faults(Path(name) / "faults")


if __name__ == "__main__":
    main()
