"""The words of a configuration file that was read: its scalars, its problems, and what every format offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Keys: TypeAlias = tuple[str | int, ...]
"""Where a value stands in its document: names and indices from the top."""

MOST_SCALARS = 1_000_000
"""Of one file; what comes after them is not looked at."""
MOST_DEPTH = 256
"""Containers in each other, in every format."""
MOST_PROBLEMS = 100
"""Of one file; whoever has that many starts with the first."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value that is no container."""

    document: int
    """Number of the document in its file, from 0."""
    keys: Keys
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """One reason why a file, or a part of it, cannot be read, or is read in two ways."""

    rule: str
    """Such as `config-lint/yaml-duplicate-key`."""
    line: int
    column: int
    text: str
    keys: Keys = ()
    """Where in its document, as far as that is known; it outlives a moved line."""


class Parsed(Protocol):
    """A configuration file that was read."""

    kind: str
    """`yaml`, `json`, `toml`, `ini` or `env`."""
    is_template: bool
    """Helm, Jinja and the like: scanned by line, it has no values."""
    values: tuple[object, ...]
    """One per document; plain dicts, lists and scalars. Empty where it cannot be read."""
    problems: tuple[SyntaxProblem, ...]

    def scalars(self) -> Iterator[Scalar]:
        """Yields every scalar in the order of the file; bounded, also where aliases multiply."""

    def locate(self, document: int, keys: Keys) -> tuple[int, int]:
        """Returns line and column, from 1, of the value there; positions are composed on first use.

        Where nothing stands there it is the place of the deepest container on the way; (0, 0) where none is known.
        """


class Document:
    """What the formats share; each of them says how values are placed.

    Args:
        kind: the format.
        values: the documents.
        problems: what is wrong with the file.
        is_template: whether it is no document but makes one.
    """

    __slots__ = ("is_template", "kind", "problems", "values")

    def __init__(
        self,
        kind: str,
        values: tuple[object, ...] = (),
        problems: tuple[SyntaxProblem, ...] = (),
        *,
        is_template: bool = False,
    ) -> None:
        self.kind = kind
        self.values = values
        self.problems = problems
        self.is_template = is_template

    def scalars(self) -> Iterator[Scalar]:
        """Yields every scalar in the order of the file; bounded."""
        left = MOST_SCALARS
        for number, value in enumerate(self.values):
            for scalar in _walk(number, value):
                yield scalar
                left -= 1
                if not left:
                    return

    def locate(self, document: int, keys: Keys) -> tuple[int, int]:  # noqa: ARG002 - a format that has places says so
        """Returns that no place is known."""
        return 0, 0


def is_container(value: object) -> bool:
    """Returns whether other values stand in this one."""
    return isinstance(value, dict | list)


def _walk(document: int, top: object) -> Iterator[Scalar]:
    """Yields the scalars of one document, in order, without recursion."""
    stack: list[tuple[Keys, object]] = [((), top)]
    while stack:
        keys, value = stack.pop()
        if isinstance(value, dict):
            if len(keys) <= MOST_DEPTH:
                stack.extend(((*keys, _key(key)), inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list):
            if len(keys) <= MOST_DEPTH:
                stack.extend(((*keys, index), value[index]) for index in range(len(value) - 1, -1, -1))
        elif value is None or isinstance(value, str | int | float | bool):
            yield Scalar(document, keys, value)
        else:
            yield Scalar(document, keys, str(value))


def _key(key: object) -> str | int:
    """Returns a mapping's key as part of a path: whole numbers as they are, all else as text."""
    return key if isinstance(key, str) or (isinstance(key, int) and not isinstance(key, bool)) else str(key)
