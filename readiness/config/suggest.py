"""Names that are not known: what is known, and the nearest of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Returns the known name that `name` was probably meant to be; None where nothing comes near."""
    plain = {each.lower().replace("_", "-"): each for each in known}
    found = difflib.get_close_matches(name.lower().replace("_", "-"), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None


def known_names(name: str, known: Iterable[str]) -> str:
    """Returns the closing sentences of a message about an unknown name: `Known: a, b. Did you mean 'a'?`."""
    names = list(known)
    near = nearest(name, names)
    listed = f"Known: {', '.join(names)}." if names else "None is known."
    return f"{listed} Did you mean '{near}'?" if near else listed
