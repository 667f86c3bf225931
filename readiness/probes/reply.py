"""What an HTTP target answered."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from readiness.probes.documents import DocumentError
from readiness.wire import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from readiness.probes.interface import LatencyObservation

EXCERPT_CHARACTERS = 200
_CHARSET = re.compile(r"utf-?(8|16|32)([bl]e)?|us-ascii|ascii|iso-8859-\d+|latin-?1|windows-125\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, read whole."""

    status: int
    elapsed_ms: float
    """From sending the request to the last byte of the answer, redirects included and connection setup not."""
    connect_ms: float | None
    """Name resolution, TCP and TLS of the last connection opened for it; None where an open one was used again."""
    headers: Mapping[str, str] = field(repr=False)
    """Of the answer; names are found in any case."""
    body: bytes = field(repr=False)
    """Decoded where it was compressed."""
    where: str
    """What was asked, such as `GET https://host/path`; values of the query are not shown."""
    path: str
    """Path of the URL that answered, after redirects."""
    redirects: tuple[str, ...] = ()
    """The URLs that redirected, in order, without values of the query."""

    @property
    def content_type(self) -> str:
        """The media type in lower case without parameters; empty where none was given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text, in the charset it was sent in or UTF-8; what cannot be decoded is replaced."""
        parameter = re.search(r"charset=\"?([\w.:-]+)", self.headers.get("content-type", ""), re.IGNORECASE)
        # A list of text encodings: the peer must not choose among all of Python's codecs.
        charset = parameter[1] if parameter and _CHARSET.fullmatch(parameter[1]) else "utf-8"
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    @property
    def excerpt(self) -> str:
        """The first characters of the body on one line, printable."""
        start = " ".join(self.text[: 4 * EXCERPT_CHARACTERS].split())
        printable = clean_text("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in start))
        return printable if len(printable) <= EXCERPT_CHARACTERS else f"{printable[: EXCERPT_CHARACTERS - 3]}..."

    def json(self) -> Any:
        """Returns the body as a JSON document.

        Raises:
            DocumentError: it is not one. That is an AssertionError: the service answered, with the wrong thing.
        """
        try:
            return json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            problem = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:100]
        said = self.content_type or "no content type"
        begins = f"it begins {self.excerpt!r}" if self.body else "the body is empty"
        raise DocumentError(f"{self.where} answered {self.status} with {said}, not JSON: {problem}; {begins}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


@dataclass(frozen=True, slots=True)
class EndpointObservation:
    """Several answers of one endpoint, taken one after the other on a kept-alive connection."""

    path: str
    """As configured."""
    latency: LatencyObservation
    statuses: tuple[int, ...]
    """Every status seen, each once, ascending; more than one where the service does not answer alike."""
    replies: tuple[Reply, ...] = field(repr=False)
    """The answers that differ in status or body, oldest first, so that one `down` among five answers is seen."""
    left_out: int = 0
    """Different answers that were not kept because together they are too large."""
    largest_bytes: int = 0
    """Size of the largest body, decoded."""
    instance: str = ""
    """Address of the instance that answered, where there are several."""

    @property
    def of(self) -> str:
        """Such as ` of http://10.0.0.1:8000` where there are several instances, to tell measurements apart."""
        return f" of {self.instance}" if self.instance else ""

    def expected(self, status: int) -> tuple[Reply, ...]:
        """Returns the answers with this status: those whose body is worth reading."""
        return tuple(reply for reply in self.replies if reply.status == status)

    def said(self, status: int) -> tuple[str, ...]:
        """Returns how the last answer with this status begins, or where it redirects to; for a message."""
        reply = next(reversed(self.expected(status)), None)
        if reply is None:
            return ()
        location = re.sub(r"(?<=//)[^/@]*@|[?#].*", "", reply.headers.get("location", ""))[:EXCERPT_CHARACTERS]
        if location and status // 100 == 3:  # noqa: PLR2004 - the class of redirects
            return (f"it redirects to {location}",)
        return (f"it said {reply.excerpt}",) if reply.body else ()

    @property
    def p95_ms(self) -> float:
        """The 95th percentile of the times, connection setup excluded."""
        return self.latency.p95_ms

    @property
    def where(self) -> str:
        """What was asked, such as `GET https://host/path`."""
        return self.latency.where

    @property
    def reply(self) -> Reply:
        """The last of the answers; `replies` has those that differed from it."""
        return self.replies[-1]

    @property
    def excerpt(self) -> str:
        """The first characters of the last body."""
        return self.reply.excerpt

    @property
    def redirects(self) -> tuple[str, ...]:
        """The redirects that led to the last answer."""
        return self.reply.redirects
