"""One scan for all worker processes of a run: the first that comes scans, the others wait and read what it has left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from readiness.errors import NotMeasured
from readiness.locks import acquire
from readiness.static.cache import write_whole
from readiness.static.interface import Scan
from readiness.static.walk import check_budget

if TYPE_CHECKING:
    from readiness.static.scan import Outcome


class _Left(msgspec.Struct, array_like=True):
    """The outcome of one gate, as it is left for the others."""

    scan: Scan | None
    cause: str = ""
    remedy: str = ""


_DECODER = msgspec.msgpack.Decoder(dict[str, _Left])


@contextmanager
def alone(lock: Path, budget: Callable[[], float]) -> Iterator[None]:
    """No other process is inside; the system lets the next one in where this one dies.

    Raises:
        NotMeasured: no time is left to wait for the others.
    """
    with lock.open("ab") as file:
        if not acquire(file.fileno(), budget):
            check_budget(budget)
        yield


def read_outcomes(file: Path) -> Mapping[str, Outcome] | None:
    """Returns what another process of this run has left; None where none has."""
    try:
        left = _DECODER.decode(file.read_bytes())
    except FileNotFoundError:
        return None
    return {gate: each.scan or NotMeasured(each.cause, each.remedy) for gate, each in left.items()}


def write_outcomes(file: Path, outcomes: Mapping[str, Outcome]) -> None:
    """The outcomes are there for the other processes of this run."""
    left = {
        gate: _Left(None, outcome.cause, outcome.remedy) if isinstance(outcome, NotMeasured) else _Left(outcome)
        for gate, outcome in outcomes.items()
    }
    write_whole(file, msgspec.msgpack.encode(left))
