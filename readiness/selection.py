"""What the command line names: some of the checks, by their node ids, instead of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Named:
    """A check file, or a part of it."""

    argument: str
    """As it was typed."""
    file: str
    name: str
    """What stands behind `::`, such as `test_endpoint` or `test_endpoint[/live]`; empty for the whole file."""

    def covers(self, item: pytest.Item) -> bool:
        """Returns whether the item is what was named, one of its parameters, or in the class of that name."""
        name = item.nodeid.partition("::")[2]
        is_part = not self.name or name == self.name or name.startswith((f"{self.name}[", f"{self.name}::"))
        return is_part and str(item.path) == self.file


def named_in(
    positional: Iterable[str], start: Path, files: frozenset[Path], shipped: dict[str, Path]
) -> dict[str, Named]:
    """Returns the arguments that are check files or node ids in them.

    Args:
        positional: arguments that are no option and no option's value.
        start: what relative paths are relative to.
        files: all check files.
        shipped: built-in check files by the path that node ids show, such as `checks/test_health.py`: they lie elsewhere.
    """
    found = {}
    for argument in positional:
        path, _, name = argument.partition("::")
        file = (start / path).resolve()
        if file not in files and not file.exists():
            file = shipped.get(path.removeprefix("readiness/"), file)
        if file in files:
            found[argument] = Named(argument, str(file), name)
    return found


def unnamed(items: Iterable[pytest.Item], named: Iterable[Named], files: frozenset[Path]) -> list[pytest.Item]:
    """Returns the items of check files that were not named."""
    return [item for item in items if item.path in files and not any(each.covers(item) for each in named)]


def lost(items: Iterable[pytest.Item], named: Iterable[Named]) -> list[str]:
    """Returns what is wrong with what was named: that it is not there, as pytest would have said."""
    items = list(items)
    return [
        f"{each.argument} is no check of this run: see what `pytest --collect-only` lists with the same --env and --gate."
        for each in named
        if not any(each.covers(item) for item in items)
    ]
