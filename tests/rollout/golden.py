"""Golden trajectories: whole rollouts whose every point is compared with a committed file.

`python -m tests.rollout.golden` writes them anew; a changed file is a changed judge, and belongs into the changelog.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from readiness.rollout.interface import Look
from readiness.rollout.judgement import Judgement
from tests.rollout.looks import SPEC, judge_all, look, looks, traffic

FOLDER = Path(__file__).parent / "golden"
WEIGHTS = (0.1, 0.25, 0.5, 0.75)


def _rollout(seed: int, *, base: float = 0.001, factor: float = 1.0, rps: float = 20.0) -> list[Look]:
    made: list[Look] = []
    for number, weight in enumerate(WEIGHTS):
        fours = traffic(seed + number, 24, rps=rps, base=base, factor=factor, weight=weight)
        made += looks(fours, first=24 * number, stage=weight)
    return made


def _incident() -> list[Look]:
    made = _rollout(40)
    for number in range(30, 42):
        made[number] = looks(traffic(number, 1, base=0.3, weight=0.25), first=number, stage=0.25)[0]
    return made


def _outage() -> list[Look]:
    made = _rollout(50)
    for number in (12, 13):
        made[number] = look(number, unreadable="Prometheus answered 503")
    return made


CASES = {
    "healthy": lambda: _rollout(10),
    "twice-as-bad": lambda: _rollout(20, base=0.005, factor=2, rps=100),
    "five-times-as-bad": lambda: _rollout(30, base=0.005, factor=5),
    "shared-incident": _incident,
    "prometheus-away": _outage,
    "little-traffic": lambda: _rollout(60, rps=0.5),
}


def point(judgement: Judgement) -> list[Any]:
    """Returns what is compared: action, evidence, promotion, phi and the codes of the reasons."""
    metric = judgement.metrics[0]
    numbers = (judgement.evidence, metric.promotion or 0.0, metric.phi)
    return [
        str(judgement.action),
        *(float(f"{each:.6g}") for each in numbers),
        *(str(r.code) for r in judgement.reasons),
    ]


def trajectory(name: str) -> list[list[Any]]:
    """Returns the points of a case."""
    return [point(each) for each in judge_all(CASES[name](), SPEC)]


def main() -> None:
    """All files are current."""
    FOLDER.mkdir(exist_ok=True)
    for name in CASES:
        lines = ",\n".join(json.dumps(each) for each in trajectory(name))
        (FOLDER / f"{name}.json").write_text(f"[\n{lines}\n]\n", "utf-8")


if __name__ == "__main__":
    main()
