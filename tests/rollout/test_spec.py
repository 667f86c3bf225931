"""What a rollout is judged by is validated before any look."""

from __future__ import annotations

import pytest

from readiness.rollout.interface import Counts
from readiness.rollout.spec import MetricSpec, RolloutSpec

GOOD = MetricSpec("errors", 0.01, 0.1)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: RolloutSpec((MetricSpec("errors", 1.5),)), "promote-below is 1.5"),
        (lambda: RolloutSpec((MetricSpec("errors", 0.2, 0.1),)), "promoted and rolled back at once"),
        (lambda: RolloutSpec((MetricSpec("errors", None, 0.1),)), "nothing can ever be promoted"),
        (lambda: RolloutSpec(()), "nothing can ever be promoted"),
        (lambda: RolloutSpec((GOOD, GOOD)), "'errors' is there twice"),
        (lambda: RolloutSpec((GOOD,), stages=(0.5, 0.1)), "rising"),
        (lambda: RolloutSpec((GOOD,), alpha=0.0), "alpha"),
        (lambda: RolloutSpec((MetricSpec("errors", 0.01, weight=0),)), "above 0"),
    ],
)
def test_what_cannot_be_judged_is_refused(make: object, text: str) -> None:
    """With words, and before anything was contacted."""
    assert callable(make)
    with pytest.raises(ValueError, match=text):
        make()


def test_stages_share_the_chance_of_a_false_rollback() -> None:
    """Each is judged anew by a run of its own, and together they spend no more than the rollout may."""
    spec = RolloutSpec((GOOD,), stages=(0.1, 0.25, 0.5, 1.0))
    parts = [spec.of_stage(each).alpha for each in spec.stages]
    assert sum(parts) == pytest.approx(spec.alpha)
    assert parts[0] > 2 * parts[1] == 2 * parts[2] == 2 * parts[3]
    assert RolloutSpec((GOOD,), stages=(0.3,)).of_stage(0.3).alpha == spec.alpha
    with pytest.raises(ValueError, match="none of the stages"):
        spec.of_stage(0.3)


def test_next_stage_is_the_one_that_promotion_leads_to() -> None:
    """The whole after the last one."""
    spec = RolloutSpec((GOOD,), stages=(0.1, 0.5))
    assert [spec.next_stage(each) for each in (0.0, 0.1, 0.5)] == [0.1, 0.5, 1.0]


@pytest.mark.parametrize("counts", [(1, 2), (-1, 0), (5, 1, 6), (5, 1, None, 0), (5, 1, None, 1, -1)])
def test_impossible_counts_are_refused(counts: tuple[int, ...]) -> None:
    """More bad events than requests would make evidence out of a mistake."""
    with pytest.raises(ValueError, match="impossible"):
        Counts(*counts)
