"""Where what is made once per machine is kept between runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Returns the user's cache folder of this package: `$XDG_CACHE_HOME/readiness`, else `~/.cache/readiness`.

    Source: XDG Base Directory Specification 0.8; a relative path there is to be ignored.
    """
    base = Path(environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():
        return base / "readiness"
    try:
        return Path("~/.cache").expanduser() / "readiness"
    except RuntimeError:  # a user without a name or a home, as in some containers: nothing can be kept
        return Path(os.devnull) / "readiness"
