"""Names of flags: in paths, and near misses of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from urllib.parse import quote

MOST_LISTED = 10


def filled(path: str, flag: str) -> str:
    """Returns the path with the flag's name in the place of `{flag}`."""
    return path.replace("{flag}", quote(flag, safe=""))


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns which names there are, the nearest one named."""
    names = list(known)
    if not names:
        return "no flag is defined"
    near = difflib.get_close_matches(name, names, n=1)
    listed = ", ".join(names[:MOST_LISTED]) + (", ..." if len(names) > MOST_LISTED else "")
    return f"defined are: {listed}{f'; did you mean {near[0]!r}?' if near else ''}"
