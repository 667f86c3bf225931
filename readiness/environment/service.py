"""The service under judgement: prepared, started and polled until it is ready."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from readiness.config.model import Provisioned
from readiness.environment.children import Children, Start, StartError, is_port_taken, last_lines
from readiness.environment.servers import HOST, free_ports
from readiness.errors import ProvisionError

POLL_S = 0.02
REQUEST_TIMEOUT_S = 5.0
ATTEMPTS = 3
"""Ports to try where the service says that its port is in use."""
LIBPQ = re.compile(
    "PG(HOST(ADDR)?|PORT|DATABASE|USER|PASS(WORD|FILE)|SERVICE(FILE)?|OPTIONS|APPNAME|(REQUIRE)?SSL.*|GSS.*|CHANNELBINDING"
    "|REQUIRE(PEER|AUTH)|TARGETSESSIONATTRS|CLIENTENCODING|DATESTYLE|TZ|LOADBALANCEHOSTS|SYSCONFDIR|DATA)"
)
"""Source: https://www.postgresql.org/docs/18/libpq-envars.html"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the commands of the user are run with."""

    where: Provisioned
    table: str
    """Table of the configuration, for messages: `env.local`."""
    cwd: Path
    logs: Path
    """Folder for their output."""
    environment: dict[str, str]
    hide: Callable[[str], str]
    """Text to the same without our passwords."""
    deadline: float | None
    """Monotonic; the end of the run's budget."""


def service_environment(base: dict[str, str], database_url: str, redis_url: str) -> dict[str, str]:
    """Returns the environment of the user's commands.

    The folder of the running Python comes first in PATH, so that `alembic` is the one of this virtual environment,
    activated or not. libpq's own variables are left out: they are about another server, which must not be written to,
    and `PGSSLMODE=require` would break this one.
    """
    kept = {name: value for name, value in base.items() if not LIBPQ.fullmatch(name)}
    path = [str(Path(sys.executable).parent), base.get("PATH", os.defpath)]
    return {**kept, "PATH": os.pathsep.join(path), "DATABASE_URL": database_url, "REDIS_URL": redis_url}


def prepare(children: Children, around: Surroundings, port: int, announce: Callable[[str], None]) -> None:
    """The commands of `prepare` have succeeded, in order; their output is in `prepare.log`.

    Args:
        children: run the commands.
        around: what they are run with.
        port: where the service will listen.
        announce: gets short lines on what is run.

    Raises:
        ProvisionError: one failed, or took longer than the deadline, or `ready-within` where there is none.
    """
    for command in around.where.prepare:
        announce(f"running {' '.join(command)}")
        _run_to_end(children, around, command, port)


def _run_to_end(children: Children, around: Surroundings, command: list[str], port: int) -> None:
    shown = " ".join(command)
    remedy = f"Run it by hand, or correct `prepare` in [{around.table}]."
    begun = time.monotonic()
    until = around.deadline if around.deadline is not None else begun + float(around.where.ready_within)
    _launch(children, around, "prepare", command, port)
    while (ending := children.endings().get("prepare")) is None:
        if time.monotonic() >= until:
            children.stop("prepare")
            raise _failed(around, "prepare", f"{shown!r} did not end within {time.monotonic() - begun:.1f} s", remedy)
        time.sleep(POLL_S / 4)
    if ending != "ended with exit status 0":
        raise _failed(around, "prepare", f"{shown!r} {ending}", remedy)


def start(children: Children, around: Surroundings, port: int, announce: Callable[[str], None]) -> str | None:
    """Returns the base address of the service, which is ready; None where none is configured.

    Args:
        children: run the service.
        around: what it is run with.
        port: where it is to listen; another one where somebody has taken it meanwhile.
        announce: gets a short line on what is waited for.

    Raises:
        ProvisionError: it cannot be executed, ended, or was not ready within `ready-within`.
    """
    command = around.where.service
    if command is None:
        return None
    until = time.monotonic() + float(around.where.ready_within)
    if around.deadline is not None:
        until = min(until, around.deadline)
    for attempt in range(1, ATTEMPTS + 1):
        _launch(children, around, "service", command, port)
        if attempt == 1:
            announce(f"waiting for {around.where.ready}")
        ending, seen = _wait(children, around.where.ready, port, until)
        if ending is None and seen == "":
            return f"http://{HOST}:{port}"
        if ending is not None and attempt < ATTEMPTS and is_port_taken(around.logs / "service.log"):
            (port,) = free_ports(1)
            continue
        break
    if ending is not None:
        cause = f"the service {ending} before {around.where.ready} answered 2xx"
        raise _failed(around, "service", cause, f"Correct `service` in [{around.table}], or what its log complains of.")
    cause = f"the service was not ready within {around.where.ready_within}: {around.where.ready} {seen}"
    raise _failed(around, "service", cause, f"Correct `ready`, or raise `ready-within`, in [{around.table}].")


def _launch(children: Children, around: Surroundings, name: str, command: list[str], port: int) -> None:
    start: Start = {
        "name": name,
        "argv": [word.replace("{port}", str(port)) for word in command],
        "env": {**around.environment, "PORT": str(port)},
        "cwd": str(around.cwd),
        "log": str(around.logs / f"{name}.log"),
        "user": None,
        "steps": [(int(signal.SIGTERM), 3.0)],
        "whole_group": True,
        "orphaned": int(signal.SIGKILL),
        "wave": 0,
    }
    try:
        children.start(start)
    except StartError as error:
        remedy = f"Install it, or correct `{name}` in [{around.table}]; it is run in {around.cwd}."
        raise ProvisionError(f"{command[0]!r} cannot be run: {error}", remedy) from None


def _wait(children: Children, path: str, port: int, until: float) -> tuple[str | None, str]:
    """Returns how the service ended, and what was seen last; (None, "") when it is ready."""
    seen = "was never asked"
    while True:
        ending = children.endings().get("service")
        if ending is not None:
            return ending, seen
        left = until - time.monotonic()
        if left <= 0:
            return None, seen
        seen = _ask(path, port, min(left, REQUEST_TIMEOUT_S))
        if seen == "":
            # A service that ended cannot have answered: then it was somebody else who has its port.
            return children.endings().get("service"), seen
        time.sleep(min(POLL_S, max(0.0, until - time.monotonic())))


def _ask(path: str, port: int, timeout_s: float) -> str:
    """Returns why the service is not ready, or nothing when it answered 2xx."""
    import http.client

    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        status = connection.getresponse().status
    except TimeoutError:
        return f"did not answer within {timeout_s:.1f} s"
    except (OSError, http.client.HTTPException) as error:
        return f"did not answer ({type(error).__name__})"
    finally:
        connection.close()
    return "" if status // 100 == 2 else f"answered {status}"  # noqa: PLR2004 - 2xx


def _failed(around: Surroundings, log: str, cause: str, remedy: str) -> ProvisionError:
    lines = around.hide(last_lines(around.logs / f"{log}.log"))
    said = f"\nThe end of {log}.log:\n{lines}" if lines else f"\n{log}.log is empty: it wrote nothing."
    return ProvisionError(around.hide(cause) + said, remedy)
