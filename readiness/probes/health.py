"""Reads what an answer says of the service's health: a 200 whose body says `down` is no healthy answer.

A document is read as `health_document` says. A short plain text is read as a whole, a long one where it has the lines
of Kubernetes' verbose `healthz`. An HTML page is what proxies, sign-ins and single-page apps answer for any path, and
nothing at all is no evidence. All of it can be overridden by `accept`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from readiness.probes.documents import DocumentError, shown, token
from readiness.probes.health_document import HOW_TO_ACCEPT, Rules, Said, read_document
from readiness.probes.health_words import MOST_CHARACTERS

if TYPE_CHECKING:
    from readiness.config.model import Endpoint
    from readiness.probes.reply import Reply

MOST_NAMED = 10
"""So many things are named; a service has few parts, and a broken one must not write a report of megabytes."""

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_PAGE = re.compile(
    r"(?:<\?xml[^>]{0,200}>|<!--.{0,1000}?-->|\s)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_TITLE = re.compile(r"<title[^>]{0,80}>([^<]{1,80})", re.IGNORECASE)
_VERSION = re.compile(r"v?\d+(\.\d+)+\S*|[0-9a-f]{7,64}")
_METRIC = re.compile(r"#|[\w:]+(\{.*\})?\s+[-+]?[\d.]")
"""A line of Prometheus' text format, whose names say nothing of health."""
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_SUCCESS = range(200, 300)
_BODILESS = frozenset({204, 205})


@dataclass(frozen=True, slots=True)
class Reading:
    """What one answer says of health, and why it counts."""

    read: str
    """What was read, such as `JSON`."""
    ill: tuple[str, ...] = ()
    """Each thing that says that the service is not healthy, with its place."""
    well: tuple[str, ...] = ()
    """Each thing that says that it is, or was accepted, with its place."""
    note: str = ""
    """Why the answer counts, where neither was found."""

    def __str__(self) -> str:
        """What was read and why it counts, in one line."""
        found = self.ill or self.well
        said = ", ".join(found[:MOST_NAMED]) or self.note
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        why = "; counts as healthy" if self.well and not self.ill else ""
        return f"{self.read}: {said}{more}{why}"


def read_health(reply: Reply, endpoint: Endpoint) -> Reading:
    """Returns what an answer says of health. Never raises, whatever came.

    What the endpoint's `json` expects is not read, since it is compared; what `accept` names counts as healthy.
    """
    return _unread(endpoint) or _read(reply, endpoint)


def _unread(endpoint: Endpoint) -> Reading | None:
    """Returns why nothing is read, where the configuration says so."""
    if endpoint.status not in _SUCCESS:
        return Reading("not read", note=f"status = {endpoint.status} is the answer wanted, whatever it says")
    if "any" in (endpoint.accept or ()):
        return Reading("not read", note='accept has "any"')
    if endpoint.method == "HEAD" or endpoint.status in _BODILESS:
        asked = "HEAD" if endpoint.method == "HEAD" else f"status = {endpoint.status}"
        return Reading("no body", note=f"{asked} asks for none")
    return None


def _read(reply: Reply, endpoint: Endpoint) -> Reading:
    accept = endpoint.accept or ()
    text = reply.text.lstrip(_BOM).strip()
    if not text:
        return _empty(endpoint, accept)
    if reply.content_type in _PAGES or _PAGE.match(text[:4000]):
        return _page(reply, endpoint, accept)
    is_json = reply.content_type == "application/json" or reply.content_type.endswith("+json")
    if is_json or text.startswith(("{", "[")):
        try:
            document = reply.json()
        except DocumentError as error:
            if is_json:
                return Reading("not JSON", ill=(f"it answered {str(error).partition(' answered ')[2]}",))
        else:
            said = read_document(document, Rules(accept, tuple(_leaves(endpoint.json or {}, ""))))
            return _reading("JSON", said, "a document without a word on health")
    return _reading("text", _text(text, Rules(accept)), "no word on health")


def _reading(read: str, said: Iterator[Said], note: str) -> Reading:
    found = list(said)
    ill = tuple(str(each) for each in found if not each.is_well)
    more = (f"and {len(ill) - MOST_NAMED} more",) if len(ill) > MOST_NAMED else ()
    return Reading(read, ill[:MOST_NAMED] + more, () if ill else tuple(str(each) for each in found), note)


def _empty(endpoint: Endpoint, accept: Collection[str]) -> Reading:
    if "empty" in accept or endpoint.method == "OPTIONS":
        return Reading("an empty body", well=("accepted" if "empty" in accept else "OPTIONS may have one",))
    what = "the body is empty, so nothing says that the service is healthy"
    return Reading("an empty body", ill=(f"{what}; expect status = 204, or {HOW_TO_ACCEPT.format('empty')}",))


def _page(reply: Reply, endpoint: Endpoint, accept: Collection[str]) -> Reading:
    title = _TITLE.search(reply.text[:10_000])
    page = "an HTML page" + (f" titled {shown(' '.join(title[1].split()))}" if title else "")
    if reply.redirects:
        page += f", at {reply.path} after a redirect"
    if "html" in accept or (endpoint.content_type or "").lower() in _PAGES:
        return Reading(page, well=("which is the answer wanted",))
    why = "which a proxy, a sign-in or a single-page app gives for any path"
    return Reading("HTML", ill=(f"the answer is {page}, {why}; {HOW_TO_ACCEPT.format('html')}",))


def _text(text: str, rules: Rules) -> Iterator[Said]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    verbose = [line for line in lines if re.match(r"\[[+-]\]", line)]
    if len(lines) == 1 and len(text) <= MOST_CHARACTERS and not verbose:
        is_word = re.search(r"[^\W\d_]", text) is not None and not _VERSION.fullmatch(text)
        yield from rules.judge("", text, is_strict=is_word)
    elif verbose:
        for line in verbose:
            is_well = line.startswith("[+]") or rules.accepts(line[3:].split(" ")[0])
            yield Said("a line", shown(line), is_well=is_well)
        yield from (said for said in rules.judge("the last line", lines[-1]) if lines[-1] not in verbose)
    elif not _METRIC.match(lines[0]):  # a text of its own, unless it begins by saying otherwise
        yield from (said for said in rules.judge("the first line", lines[0]) if not said.is_well)


def _leaves(expected: Any, place: str) -> Iterator[str]:
    """Yields the JSON Pointer of each value that is expected."""
    if isinstance(expected, Mapping):
        for key, inner in expected.items():
            yield from _leaves(inner, f"{place}/{token(key)}")
    elif isinstance(expected, list) and expected:
        for index, inner in enumerate(expected):
            yield from _leaves(inner, f"{place}/{index}")
    else:
        yield place
