"""What was found in a file last time, by its content and by all that decides what is found."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

LARGEST = 256 * 1024 * 1024
_NAME = "code.json"


def key_of(path: str, data: bytes) -> str:
    """Returns the name under which a file's result is kept; its path counts, since settings depend on it."""
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(data)
    return digest.hexdigest()


class Store:
    """The results of one version; those of another are gone.

    Args:
        folder: where it is kept; None for nowhere.
        version: of engine, settings and ourselves.
    """

    def __init__(self, folder: Path | None, version: str) -> None:
        self._file = folder / _NAME if folder is not None else None
        self._version = version
        self._known: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        if self._file is not None:
            with contextlib.suppress(OSError, ValueError, RecursionError):
                self._load(self._file)

    def _load(self, file: Path) -> None:
        if file.stat().st_size > LARGEST:
            return
        document = json.loads(file.read_bytes())
        if isinstance(document, dict) and document.get("version") == self._version:
            known = document.get("results")
            self._known = known if isinstance(known, dict) else {}

    def get(self, key: str) -> dict[str, Any] | None:
        """Returns what is kept under the key; it is then kept for the next time."""
        result = self._known.get(key)
        if not isinstance(result, dict) or not {"issues", "problems", "nosec", "below"} <= result.keys():
            return None
        self._used[key] = result
        return result

    def put(self, key: str, result: dict[str, Any]) -> None:
        """It is kept for the next time."""
        self._used[key] = result

    def save(self) -> None:
        """What was asked for or put in this time is on disk, whole or not at all; never raises."""
        if self._file is None or self._used == self._known:
            return
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._file.parent, delete=False, encoding="utf-8") as new:
                json.dump({"version": self._version, "results": self._used}, new, separators=(",", ":"))
            os.replace(new.name, self._file)  # noqa: PTH105 - the counterpart of NamedTemporaryFile's name
