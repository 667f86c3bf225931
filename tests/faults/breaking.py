"""Ways to break a target, whatever it is. Those for one kind of target are in a module of its name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.targets import Break, Changes, Targets


def wanting(key: str, value: object) -> Break:
    """The release wants what a healthy target does not have; for checks of what a target is, not of how it does."""

    @contextmanager
    def breaks(_targets: Targets) -> Iterator[Changes]:
        yield {key: value}

    return breaks
