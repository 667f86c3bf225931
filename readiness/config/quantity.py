"""Quantities with a unit: `"500ms"`, `"1%"`, `"1GiB"`. A bare number is never accepted."""

from __future__ import annotations

import re
from typing import ClassVar, Self

_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"


class Quantity(float):
    """A number in a base unit that remembers how it was written."""

    __slots__ = ("text",)
    text: str
    """As written in the configuration."""

    units: ClassVar[dict[str, float]] = {}
    """Unit to factor; the base unit has factor 1."""
    examples: ClassVar[str] = ""

    @classmethod
    def parse(cls, text: object) -> Self:
        """Returns the quantity.

        Raises:
            ValueError: where it is not text of a number and one of the units; says which are known.
        """
        match = re.fullmatch(rf"\s*{_NUMBER}\s*({'|'.join(cls.units)})\s*", text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"expected a {cls.__name__.lower()} with its unit, such as {cls.examples}")
        self = cls(float(match[1]) * cls.units[match[2]])
        self.text = str(text).strip()
        return self

    @classmethod
    def pattern(cls) -> str:
        """Returns the regular expression of what is accepted, for the JSON Schema."""
        return rf"^\s*{_NUMBER}\s*({'|'.join(cls.units)})\s*$"

    @classmethod
    def positive_pattern(cls) -> str:
        """Returns the same without zero."""
        return rf"^(?!\s*0+(?:\.0+)?\s*[A-Za-z%]){cls.pattern()[1:]}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"

    def __str__(self) -> str:
        return self.text


class Duration(Quantity):
    """A length of time, in seconds."""

    __slots__ = ()
    units: ClassVar[dict[str, float]] = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    examples: ClassVar[str] = '"500ms", "5s", "30m", "1h" or "14d"'

    @property
    def ms(self) -> float:
        """The same in milliseconds, free of binary noise."""
        return round(float(self) * 1000, 6)


class Ratio(Quantity):
    """A share, 1.0 being the whole; written in percent."""

    __slots__ = ()
    units: ClassVar[dict[str, float]] = {"%": 0.01}
    examples: ClassVar[str] = '"1%" or "99.9%"'

    @classmethod
    def share_pattern(cls) -> str:
        """Returns the regular expression of what is accepted up to 100%."""
        return r"^\s*(?:100(?:\.0+)?|0*[0-9]{1,2}(?:\.[0-9]+)?)\s*%\s*$"

    @property
    def percent(self) -> float:
        """The same in percent, free of binary noise."""
        return round(float(self) * 100, 6)


class Size(Quantity):
    """An amount of memory, in bytes."""

    __slots__ = ()
    units: ClassVar[dict[str, float]] = {
        "B": 1,
        "kB": 1e3,
        "MB": 1e6,
        "GB": 1e9,
        "KiB": 1024,
        "MiB": 1024**2,
        "GiB": 1024**3,
        "TiB": 1024**4,
    }
    examples: ClassVar[str] = '"512MiB" or "1GiB"'
