"""The file that is searched: its bytes, what kind it is, and where in it something stands."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from readiness.static.paths import PathClass, path_class

if TYPE_CHECKING:
    from readiness.static.source import Source

_SETTINGS = re.compile(
    r"\.(?:ya?ml|ini|cfg|conf|cnf|config|properties|props|env|envrc|tfvars|tfbackend|sh|bash|zsh|fish|ps1|bat|cmd|service|toml|editorconfig|netrc|rc)$"
    r"|^\.env|(?:^|\.)(?:dockerfile|containerfile)|^(?:credentials|config|\.?netrc|_netrc|\.pypirc|\.npmrc|\.yarnrc|\.pgpass|\.s3cfg|\.boto|\.my\.cnf|makefile|procfile)$|\.(?:ya?ml|env|conf|ini)\.[a-z0-9_-]{1,20}$"
)
_COMPILED = re.compile(r"\.(?:js|mjs|cjs|css|map|svg|html?|ipynb)$")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
LONG_LINE = 4000
_REACH = 2000
"""How much of a line is looked at on either side of what stands there."""


class Place:
    """A file that is searched for secrets.

    Args:
        source: the file.
    """

    def __init__(self, source: Source) -> None:
        self.path = source.path
        self.name = source.path.rpartition("/")[2].lower()
        self.kind = path_class(source.path)
        self.data = _plain(source)
        self._last = 0, 1, 0

    @cached_property
    def is_settings(self) -> bool:
        """Its values need no quotes: YAML, INI, `.env`, shell and the like."""
        return _SETTINGS.search(self.name) is not None

    @cached_property
    def is_lock(self) -> bool:
        """It lists what is installed, with hashes."""
        return self.kind is PathClass.GENERATED or self.name.endswith((".lock", ".sum", ".svg", ".csv", ".po", ".pot"))

    @cached_property
    def is_compiled(self) -> bool:
        """It may be a bundle: what stands on a very long line there was not written by hand."""
        return _COMPILED.search(self.name) is not None

    def _line_of(self, at: int) -> tuple[int, int]:
        """Returns the number of the line and where it starts, both counted on from what was asked for last."""
        last, line, start = self._last
        if at < last:
            last, line, start = 0, 1, 0
        passed = self.data.count(b"\n", last, at)
        if passed:
            line, start = line + passed, self.data.rfind(b"\n", last, at) + 1
        self._last = at, line, start
        return line, start

    def locate(self, at: int) -> tuple[int, int]:
        """Returns line and column, from 1; the column counts characters, and bytes on a line that no person wrote."""
        line, start = self._line_of(at)
        if at - start > LONG_LINE:  # not to decode megabytes for each of its findings
            return line, at - start + 1
        return line, len(self.data[start:at].decode("utf-8", "replace")) + 1

    def start_of(self, line: int) -> int:
        """Returns where a line starts; the end of the file where it has none of that number."""
        at = 0
        for _ in range(line - 1):
            at = self.data.find(b"\n", at) + 1
            if at == 0:
                return len(self.data)
        return at

    def around(self, at: int, reach: int = _REACH) -> str:
        """Returns the line that `at` is on, as far as it is near."""
        start = self.data.rfind(b"\n", max(0, at - reach), at) + 1 or max(0, at - reach)
        end = self.data.find(b"\n", at, at + reach)
        return self.data[start : end if end >= 0 else at + reach].decode("utf-8", "replace")

    def before(self, at: int) -> str:
        """Returns the line before the one that `at` is on; empty where there is none, or where it is far away."""
        end = self.data.rfind(b"\n", max(0, at - _REACH), at)
        if end < 0:
            return ""
        start = self.data.rfind(b"\n", max(0, end - _REACH), end) + 1 or max(0, end - _REACH)
        return self.data[start:end].decode("utf-8", "replace").rstrip("\r")

    def is_on_long_line(self, at: int) -> bool:
        """Returns whether the line is longer than a person writes."""
        before = self.data.rfind(b"\n", max(0, at - LONG_LINE), at) >= 0 or at < LONG_LINE
        after = self.data.find(b"\n", at, at + LONG_LINE) >= 0 or at + LONG_LINE > len(self.data)
        return not (before and after)


def _plain(source: Source) -> bytes:
    """Returns the content as UTF-8 without a byte order mark and with line feeds."""
    data = source.data
    if data.startswith(_UTF16):
        data = source.text.encode("utf-8", "replace")
        if source.data.count(b"\0") * 4 < len(source.data):
            # a mark alone makes no UTF-16: what it stands before is read too
            data += b"\n" + source.data
    data = data.removeprefix(_UTF8_MARK)
    return data if b"\n" in data or b"\r" not in data else data.replace(b"\r", b"\n")
