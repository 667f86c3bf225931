"""A PostgreSQL with pg_stat_statements: the wheels bring the server without its contrib modules, the system's has them."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian, Ubuntu and the PostgreSQL project's own packages for them install, one folder per major version."""
WITHIN_S = 300.0


def _installed() -> list[Path]:
    folders = SYSTEM.iterdir() if SYSTEM.is_dir() else ()
    complete = (each for each in folders if (each / "lib/pg_stat_statements.so").is_file())
    return sorted((each for each in complete if (each / "bin/initdb").is_file()), key=lambda each: int(each.name))


@cache
def contrib_install() -> Path:
    """Returns the folder of the newest such installation; installs the distribution's where there is none."""
    found = _installed()
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "--yes", "--no-install-recommends", "postgresql"]):
            subprocess.run(["apt-get", *words], check=True, timeout=WITHIN_S, env=environ, capture_output=True)
        found = _installed()
    assert found, f"these tests need a PostgreSQL with contrib below {SYSTEM}: apt-get install postgresql"
    return found[-1]
