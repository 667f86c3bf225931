"""Whole rollouts, point by point, as committed."""

from __future__ import annotations

import json

import pytest

from tests.rollout.golden import CASES, FOLDER, trajectory


@pytest.mark.parametrize("name", sorted(CASES))
def test_trajectory_is_the_committed_one(name: str) -> None:
    """To five digits; logarithms differ in the last ones between machines."""
    expected = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    found = trajectory(name)
    assert [[each[0], *each[4:]] for each in found] == [[each[0], *each[4:]] for each in expected]
    for point, other in zip(found, expected, strict=True):
        assert point[1:4] == pytest.approx(other[1:4], rel=1e-4)


def test_every_file_has_its_case() -> None:
    """None is left over."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(CASES)
