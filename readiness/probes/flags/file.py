"""Flags in a JSON file of the repository."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError, shown
from readiness.probes.flags.definition import definition_of
from readiness.probes.flags.interface import (
    Definition,
    DefinitionsObservation,
    Evaluate,
    PresenceObservation,
    ServiceObservation,
)
from readiness.probes.flags.naming import nearest


class FileSource:
    """Reads `{"flags": {name: definition}}`. A file evaluates nothing, so only what is written in it can be observed.

    Args:
        folder: of the configuration.
        name: of the file, from there.
    """

    in_flight = 1

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / name
        self._name = name

    def reach(self) -> None:
        """Nothing has to be reached; what is wrong with the file is for the checks to say."""

    def read(self) -> dict[str, Any]:
        """Returns flag name to definition.

        Raises:
            DocumentError: the file is not there, or holds something else.
        """
        try:
            document = json.loads(self._path.read_bytes(), object_pairs_hook=_object)
        except OSError as error:
            raise DocumentError(f"{self._name} cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise DocumentError(f"{self._name} is not JSON: {str(error)[:100] or 'it is nested too deeply'}") from None
        flags = document.get("flags") if isinstance(document, dict) else None
        if not isinstance(flags, dict):
            raise DocumentError(f'{self._name} holds no object {{"flags": {{...}}}}, but {shown(document)}')
        return flags

    def service(self) -> ServiceObservation:
        """Returns that the file can be read, and how many flags are in it."""
        flags = self.read()
        complaints = () if flags else ("no flag is defined in it",)
        return ServiceObservation(self._name, None, complaints, len(flags))

    def definitions(self, required: Sequence[str]) -> DefinitionsObservation:  # noqa: ARG002 - all are in one file
        """Returns every definition in the file."""
        found = tuple(definition_of(name, self._name, document) for name, document in self.read().items())
        if not found:
            raise NotMeasured(f"no flag is defined in {self._name}", "Define the flags that the service asks for.")
        return DefinitionsObservation(found)

    def definition(self, flag: str) -> Definition | None:
        """Returns the definition in the file; None where there is none."""
        flags = self.read()
        return definition_of(flag, self._name, flags[flag]) if flag in flags else None

    def presence(self, flag: str) -> PresenceObservation:
        """Returns whether the flag is in the file."""
        flags = self.read()
        return PresenceObservation(flag in flags, self._name, "" if flag in flags else nearest(flag, flags))

    def evaluator(self, flag: str) -> Evaluate:
        """Raises NotMeasured: nothing evaluates a file."""
        raise NotMeasured(
            f"{flag} cannot be evaluated: [flags] source is a file", "Name the service that evaluates it."
        )

    def place(self, flag: str) -> str:  # noqa: ARG002 - all are in one file
        """Returns the file's name."""
        return self._name


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns the object; of a key that is there twice, the service may take the other one than we do."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            _refuse(key)
        found[key] = value
    return found


def _refuse(key: str) -> NoReturn:
    raise ValueError(f"the key {shown(key)} is there twice")
