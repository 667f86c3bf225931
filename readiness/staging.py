"""The rollout of one run, where it judges one: its state, its live line, and what the report has of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from readiness import facts
from readiness.config.rollout_tables import Rollout
from readiness.live import LiveLine
from readiness.order import ROLLOUT, Order

if TYPE_CHECKING:
    from readiness.watching import RolloutProbe

STATE = "rollout-state.json"
"""What is kept of an observation, beside the reports."""


class Staged:
    """One stage of a rollout, in one process of a run.

    Args:
        order: the run as it was asked for, with a stage.
        config: of the pytest run.
        run: id of the run.
        left_s: seconds left of the run.
        is_worker: whether other workers may observe, and the terminal is another process's.
    """

    def __init__(
        self, order: Order, config: pytest.Config, *, run: str, left_s: Callable[[], float], is_worker: bool
    ) -> None:
        self._order = order
        self._run = run
        self._left_s = left_s
        self._is_worker = is_worker
        self._live = LiveLine(config)

    def probe(self) -> RolloutProbe:
        """Returns what observes it; nothing is asked yet."""
        from readiness.watching import RolloutProbe, Terms

        settings = self._order.settings
        terms = Terms(
            table_of(self._order),
            self._order.stage or 0.0,
            folder=settings.folder,
            state=state_file(self._order),
            run=self._run,
            release=facts.service_info(settings).commit,
            is_shared=self._is_worker,
        )
        return RolloutProbe(terms, self._order.redactor, self._left_s, None if self._is_worker else self._live.show)

    def leave(self) -> None:
        """Nothing more is shown of the observation."""
        self._live.leave()

    def document(self, reported: dict[str, Any] | None) -> dict[str, Any] | None:
        """Returns what the report has of it: what a check has reported, else how far the observation came."""
        if reported is not None:
            return reported
        from readiness.watching import read_state

        kept = read_state(state_file(self._order))
        return kept["rollout"] if kept is not None and kept.get("run") == self._run else None

    def follow(self) -> Callable[[], None]:
        """What a worker observes is shown by this process, until the function that is returned is called."""
        return self._live.follow(state_file(self._order), self._run)


def table_of(order: Order) -> Rollout:
    """Returns the table of the rollout that is judged.

    Raises:
        KeyError: there is none.
    """
    table = order.settings.gates[ROLLOUT]
    if not isinstance(table, Rollout):
        raise KeyError(ROLLOUT)
    return table


def state_file(order: Order) -> Path:
    """Returns the file that the observation is kept in."""
    named = table_of(order).state
    return order.folder / STATE if named is None else order.settings.folder / named


def note_of(order: Order) -> str:
    """Returns what is said of the rollout before it was observed; empty where none is judged."""
    return "" if order.stage is None else f"What was seen of the rollout so far is in {state_file(order).name}."
