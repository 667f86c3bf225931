"""What the built-in check files declare, found through the `@check` mark of each function."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import TYPE_CHECKING

from readiness.collection import mark_of
from readiness.gate import checks_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@cache
def declared_checks() -> Mapping[str, Callable[..., object]]:
    """Returns check id, without parameters, to its function; of every built-in check file."""
    found: dict[str, Callable[..., object]] = {}
    for file in sorted(checks_folder().glob("test_*.py")):
        spec = importlib.util.spec_from_file_location(f"declared_{file.stem}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for function in vars(module).values():
            mark = mark_of(function)
            if mark is not None:
                assert mark.id not in found, f"{mark.id} is declared twice"
                found[mark.id] = function
    return found
