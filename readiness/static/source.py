"""One file of the repository, read once; what is derived from it is made on first use and shared by all analysers."""

from __future__ import annotations

import codecs
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from readiness.static.documents import Parsed

_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""By byte order mark; the mark of UTF-32 begins like that of UTF-16."""


class Source:
    """A file's path and content.

    Args:
        path: relative to the configuration's folder, with `/`; bytes that are no UTF-8 are escaped.
        data: all of it.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @cached_property
    def text(self) -> str:
        """The content as text; bytes that are none in its encoding are replaced, and a byte order mark is gone."""
        encoding = next((name for mark, name in _ENCODINGS if self.data.startswith(mark)), "utf-8")
        return self.data.decode(encoding, "replace")

    @cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return self.text.splitlines()

    @cached_property
    def parsed(self) -> Parsed | None:
        """The documents of a configuration file; None where the file is of another kind."""
        from readiness.static.documents import parse

        return parse(self)
