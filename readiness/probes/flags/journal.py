"""What was found before a flag was changed, kept where a later run finds it, and who may look at flags meanwhile.

One file per flag that is changed at the moment, written before the change and removed after it was undone: a run that
is killed in between leaves it behind. And one lock per target, held by every process while it observes flags: shared by
those that look, alone by one that changes. Without it a sample taken by another worker would see the change.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from readiness.errors import NotMeasured
from readiness.locks import acquire
from readiness.probes.deadline import Deadline
from readiness.probes.interface import Budget

LOCK_S = 300.0
"""Longer than any sample takes that ends well: 2,200 answers of a second each, eight at once."""
POLL_S = 0.01


@dataclass(slots=True)
class Entry:
    """One flag that was changed."""

    target: str
    flag: str
    found: dict[str, Any]
    """What was found, and is to be there again."""
    states: list[dict[str, Any]]
    """What the flag was made since, in order: where it is in none of these states, somebody else has changed it."""
    since: str
    """When it was changed, UTC."""


class Journal:
    """The changes of one target's flags.

    Args:
        folder: where the files are, the same for every run of this user.
        target: address of the flag service, without credentials.
        budget: seconds left of the whole run.
    """

    def __init__(self, folder: Path, target: str, budget: Budget) -> None:
        self._folder = folder
        self._budget = budget
        self.target = target
        self._name = _digest(target)

    @property
    def path(self) -> Path:
        """The folder of the files."""
        return self._folder

    def entries(self) -> list[Entry]:
        """Returns what was changed and not undone.

        Raises:
            NotMeasured: a file cannot be read.
        """
        return [_read(path) for path in sorted(self._folder.glob(f"{self._name}-*.json"))]

    def write(self, entry: Entry) -> None:
        """The entry is on the disk, whole.

        Raises:
            NotMeasured: it cannot be written, so that the flag must not be changed.
        """
        path = self._file(entry.flag)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(asdict(entry), file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            _sync(self._folder)
        except OSError as error:
            raise NotMeasured(
                f"{path} cannot be written ({error.strerror}), and without it a run that is killed would leave the flag changed",
                "Make the folder writable, or set XDG_CACHE_HOME to one that is.",
            ) from None

    def remove(self, flag: str) -> None:
        """The flag is as it was found."""
        self._file(flag).unlink(missing_ok=True)

    def _file(self, flag: str) -> Path:
        return self._folder / f"{self._name}-{_digest(flag)}.json"

    @contextmanager
    def reading(self) -> Iterator[None]:
        """No flag of the target is changed by a run of this user for as long as the block lasts."""
        with self._locked(is_shared=True):
            yield

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else of this user looks at flags of the target for as long as the block lasts.

        Raises:
            NotMeasured: the lock cannot be had.
        """
        with self._locked(is_shared=False):
            yield

    @contextmanager
    def _locked(self, *, is_shared: bool) -> Iterator[None]:
        # Few files, since targets on loopback have another port in each run; a lock file cannot be removed safely.
        path = self._folder / f"{self._name[0]}.lock"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = path.open("w")
        except OSError as error:
            if is_shared:  # where nobody can write, nobody changes a flag
                yield
                return
            cause = f"{path} cannot be written ({error.strerror}), so that no flag can be changed safely"
            raise NotMeasured(cause, "Make the folder writable, or set XDG_CACHE_HOME to one that is.") from None
        with file:
            deadline = Deadline(LOCK_S, self._budget)
            if not acquire(file.fileno(), deadline.left, is_shared=is_shared, poll_s=POLL_S):
                cause = f"another run has observed the flags of {self.target} for {deadline}"
                raise NotMeasured(cause, deadline.remedy("Let it end, or end it; then run again."))
            yield  # closing the file gives the lock back


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(path: Path) -> Entry:
    try:
        return Entry(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        cause = f"{path}, which says what an earlier run has changed, cannot be read: {type(error).__name__}"
        raise NotMeasured(cause, "Set the flags of the target to what they should be, and remove the file.") from None


def _sync(folder: Path) -> None:
    """The names in the folder are on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
