"""Tools in processes of their own: bounded in time and output, asked nothing, told nothing that they need not know."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from readiness.errors import NotMeasured

MOST_OUTPUT = 64 * 1024 * 1024
"""Bytes that a tool may write; more is a tool gone wrong."""
_PAUSE_S = 0.02
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "SYSTEMROOT", "TMPDIR")
"""Variables that every tool gets; all others, such as tokens and passwords, stay with us."""
_ONLINE = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
"""What a tool needs in addition that was asked to use the network; each also in lower case."""
_NOWHERE = "http://127.0.0.1:9"
"""The proxy of a tool that must not use the network: nothing listens there, so that an attempt ends at once."""
_USER_INFO = re.compile(r"//[^/\s@]{1,400}@")
_LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Ended:
    """What a tool left."""

    status: int
    out: str
    err: str

    @property
    def last_words(self) -> str:
        """The last line that it wrote, cut short and without user names or passwords of addresses."""
        lines = [line.strip() for line in (self.err.strip() or self.out.strip()).splitlines() if line.strip()]
        return _USER_INFO.sub("//***@", lines[-1])[:_LONGEST_WORDS] if lines else "it said nothing"


def python_tool(module: str) -> list[str]:
    """Returns the command that runs an installed module; a file of that name in the repository is not taken for it."""
    return [sys.executable, "-P", "-W", "ignore", "-m", module]


def program(name: str, install: str) -> str:
    """Returns the path of a program: that of our own installation, else the first on the search path.

    Args:
        name: such as `zizmor`.
        install: the extra that brings it.

    Raises:
        NotMeasured: it is not installed.
    """
    own = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name, path=str(_beside_python()))
    found = own or shutil.which(name)
    if found is None:
        raise NotMeasured(f"{name} is not installed", f"pip install 'pytest-readiness[{install}]'")
    return found


def _beside_python() -> Path:
    return Path(sys.executable).parent


def run(
    argv: Sequence[str],
    *,
    folder: Path,
    within_s: float,
    environ: Mapping[str, str] | None = None,
    is_online: bool = False,
) -> Ended:
    """Returns how a tool ended and what it wrote.

    It gets no input, so that a prompt ends it instead of waiting for somebody; its home is an empty folder, so that no
    login of this machine is used; where it is not meant to use the network every proxy leads nowhere.

    Args:
        argv: the command; the first is a path.
        folder: where it runs.
        within_s: after so many seconds it is killed, with all that it started.
        environ: variables that it needs besides the search path and the locale.
        is_online: whether it may use the network; it then gets this process's proxies and certificates.

    Raises:
        NotMeasured: it cannot be executed, does not end in time or writes too much.
    """
    name = _name_of(argv)
    if within_s <= 0:
        raise NotMeasured(f"no time was left to run {name}", "Raise [policy] deadline.")
    with tempfile.TemporaryDirectory(prefix="readiness-") as home:
        out, err = Path(home) / "out", Path(home) / "err"
        with out.open("wb") as out_file, err.open("wb") as err_file:
            try:
                process = subprocess.Popen(  # noqa: S603 - a list, no shell; the program is ours or the user's
                    argv,
                    cwd=folder,
                    env=environ_of(home, is_online=is_online) | dict(environ or {}),
                    stdin=subprocess.DEVNULL,
                    stdout=out_file,
                    stderr=err_file,
                    start_new_session=True,
                )
            except OSError as error:
                raise NotMeasured(f"{name} cannot be executed: {error.strerror}") from None
        try:
            status = _wait(process, name, within_s, (out, err))
        finally:
            _end(process)
        return Ended(status, _read(out), _read(err))


def _name_of(argv: Sequence[str]) -> str:
    return argv[argv.index("-m") + 1] if "-m" in argv[:-1] else Path(argv[0]).name


def _wait(process: subprocess.Popen[bytes], name: str, within_s: float, files: Sequence[Path]) -> int:
    until = time.monotonic() + within_s
    while True:
        # wait() looks ever less often; so a short command is not made to last for a whole pause
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(min(max(until - time.monotonic(), 0), 0.25))
        if sum(file.stat().st_size for file in files) > MOST_OUTPUT:
            raise NotMeasured(f"{name} wrote more than {MOST_OUTPUT // 1024**2} MiB and was stopped")
        if time.monotonic() >= until:
            raise NotMeasured(f"{name} did not end within {within_s:.3g} s and was stopped", "Raise [policy] deadline.")
        time.sleep(_PAUSE_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing that it started is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(MOST_OUTPUT).decode("utf-8", "replace")


def environ_of(home: str, *, is_online: bool = False) -> dict[str, str]:
    """Returns all variables that a tool gets.

    Args:
        home: an empty folder.
        is_online: whether it may use the network.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    kept |= {"HOME": home, "XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home, "NO_COLOR": "1", "PYTHONUTF8": "1"}
    names = [spelling for name in _ONLINE for spelling in (name, name.lower())]
    if is_online:
        return kept | {name: os.environ[name] for name in names if name in os.environ}
    return kept | dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), _NOWHERE)
