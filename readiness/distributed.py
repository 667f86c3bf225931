"""pytest-xdist: hand the environment's addresses to the workers, and notice what they lose."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

from readiness import wire

if TYPE_CHECKING:
    from readiness.run import Run


class Distributed:
    """Plugin of the controller; of its hooks pytest itself calls the loop alone, all others belong to pytest-xdist.

    Always registered, because pytest-xdist goes by another name where `-p xdist.plugin` loads it.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._unfollow: Callable[[], None] = lambda: None

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_setupnodes(self, specs: list[Any]) -> None:
        """The environment is provisioned once, before any worker starts."""
        self.run.workers = len(specs)
        self.run.provision()
        if self.run.staged is not None:
            self._unfollow = self.run.staged.follow()
            self.run.config.add_cleanup(self._unfollow)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """What a worker observed of a rollout is shown to its end, above pytest's own last lines."""
        try:
            return (yield)
        finally:
            self._unfollow()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """The worker gets the addresses, the day and what is left of the deadline; it has no clock of its own."""
        run = self.run
        node.workerinput["readiness"] = {
            "target": None if run.target is None else wire.to_builtins(run.target),
            "today": run.rules.today.isoformat(),
            "left_s": run.deadline.left_s(),
            "shared": str(run.shared_folder()),
            "run": run.run_id,
            "named": wire.to_builtins(run.order.collection.named),
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """What a worker collected has to be reported."""
        self.run.ledger.collected(ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker that ended otherwise than told has lost something."""
        if error:
            self.run.ledger.trouble("crashed", f"Worker {node.gateway.id} crashed: {error}")
