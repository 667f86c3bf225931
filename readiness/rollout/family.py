"""Whether anything counts the bad events at all: no errors, and no counter of errors, are the same zero."""

from __future__ import annotations

from collections.abc import Iterable

from readiness.config.selectors import Selector
from readiness.rollout.interface import Missing


def why_untold(bad: Selector, family: Iterable[Iterable[str]]) -> Missing | None:
    """Returns why nothing that `bad` selects does not mean that there is nothing bad; None where it does.

    Args:
        bad: selects bad events, and has found no series in an arm.
        family: the labels that each of the arm's series of that metric's name has.
    """
    known: set[str] = set()
    is_there = False
    for labels in family:
        is_there = True
        known.update(labels)
    if not is_there:
        remedy = "Initialise the counter to 0 at start, or correct the selector: no errors and no counter look alike."
        return Missing(f"there are requests, but no series of {bad}", remedy)
    for each in bad.matchers:
        # A label that is not there has the empty text for its value, which such conditions may want.
        if each.label not in known and not each.holds(""):
            has = ", ".join(sorted(known - {"__name__"})) or "none"
            return Missing(
                f"no series of {bad.name} has the label {each.label}, so that {bad} can select none; their labels: {has}",
                "Correct the label in `bad`, or give it to the counter.",
            )
    return None
