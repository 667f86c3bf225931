"""Reads a body in bounded memory: neither a gigabyte nor a kilobyte that unpacks to one gets in."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from readiness.errors import NotMeasured

if TYPE_CHECKING:
    import httpx

_GZIP = 16 + zlib.MAX_WBITS


def read_body(response: httpx.Response, most_bytes: int, where: str) -> bytes:
    """Returns the body, decompressed.

    httpx would decompress as well, but without a bound: 64 KiB from the wire can become 64 MiB at once.

    Raises:
        NotMeasured: it is larger than `most_bytes`, cut short or in an encoding that was not asked for.
        zlib.error: it says gzip and is not.
    """
    announced = response.headers.get("content-length", "")
    has_body = response.request.method != "HEAD"
    if has_body and announced.isascii() and announced.isdigit() and int(announced[:20]) > most_bytes:
        raise _too_large(where, most_bytes)
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip"}:
        raise NotMeasured(
            f"{where}: the body is encoded with {encoding[:40]!r}; only gzip was asked for",
            "Have the server honour the header Accept-Encoding.",
        )
    unpack = _Gunzip(most_bytes) if encoding.endswith("gzip") else None
    body = bytearray()
    for chunk in response.iter_raw():
        body += unpack(chunk) if unpack else chunk
        if len(body) > most_bytes:
            raise _too_large(where, most_bytes)
    if unpack and not unpack.is_complete:
        raise NotMeasured(f"{where}: the gzip data of the body ends too early", "Read the server's log.")
    return bytes(body)


class _Gunzip:
    """Unpacks gzip members one after the other, never more than one byte beyond the bound."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes + 1
        self._member = zlib.decompressobj(_GZIP)
        self._has_begun = False

    def __call__(self, chunk: bytes) -> bytes:
        """Returns what the chunk unpacks to; zlib keeps the rest back once the bound is reached."""
        out = bytearray()
        while chunk and self._left:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            self._has_begun = True
            piece = self._member.decompress(chunk, self._left)
            out += piece
            self._left -= len(piece)
            chunk = self._member.unused_data or self._member.unconsumed_tail
        return bytes(out)

    @property
    def is_complete(self) -> bool:
        """True where the last member has ended, or nothing came at all as in an answer to HEAD."""
        return self._member.eof or not self._has_begun


class TooLarge(NotMeasured):
    """The body is above the bound, so it was not read to its end."""


def _too_large(where: str, most_bytes: int) -> TooLarge:
    return TooLarge(
        f"{where}: the body is larger than the limit of {most_bytes / 1024**2:.3g} MiB",
        "Check an address that answers with less; a readiness answer is small.",
    )
