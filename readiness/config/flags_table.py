"""What a `[flags]` table may say that no schema can refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.config.suggest import known_names

if TYPE_CHECKING:
    from readiness.config.model import Flags

PLACE = "{flag}"
PER_FLAG = {"http": ("flag", "evaluate"), "ofrep": ("evaluate",), "file": (), "unleash": ()}
"""Source to its paths that are another one for each flag."""


def contradictions(table: Flags) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Yields place in the table, text and remedy."""
    if table.source == "file" and table.file is None:
        yield ("file",), "the source is a file, and none is named.", 'Add file = "feature_flags/flags.json".'
    for key in PER_FLAG[table.source]:
        path = getattr(table, key)
        if path is not None and PLACE not in path:
            text = f"the path has no {PLACE}, so that all flags would be one."
            yield (key,), text, f"Write {PLACE} where the flag's name goes."
    if table.headers and table.url is None:
        text = "they are sent to `url` of this table, which is not given."
        yield ("headers",), text, "Add url, or move them to the environment's headers."
    required = table.required or []
    for flag in table.percentages:
        if flag not in required:
            text = f"the flag {flag!r} is not in required. {known_names(flag, required)}"
            yield ("percentages", flag), text, "Rename it, or add it to required."
