"""Addresses and headers of an HTTP target: read strictly, shown without anything that could be a secret."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from readiness.errors import NotMeasured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_SHOWN = 200
MOST_PORTS = 65535
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2: token
_VALUE = re.compile(r"([\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?)?")  # RFC 9110, 5.5, without obs-text


def base_address(url: str) -> tuple[str, dict[str, str]]:
    """Returns the address without credentials and without a trailing slash, and the header made of the credentials.

    Raises:
        NotMeasured: it is not an http or https address. The text is not repeated: in a mistyped address a part of
            the password can be where the host should be.
    """
    import httpx

    remedy = "Write it as https://host:port/path; percent-encode special characters of a password."
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        raise NotMeasured("the address of the target cannot be read as a URL", remedy) from None
    if parts.scheme not in _PORTS or not parts.host or (parts.port or 0) > MOST_PORTS:
        raise NotMeasured("the address of the target is not an http or https URL with a host", remedy)
    if parts.query or parts.fragment:
        raise NotMeasured("the address of the target has a query or a fragment, to which no path can be added", remedy)
    user, _, password = parts.userinfo.decode("ascii").partition(":")
    credentials = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    authorization = {"authorization": f"Basic {base64.b64encode(credentials).decode('ascii')}"}
    path = parts.raw_path.decode("ascii").rstrip("/")
    return _origin(parts) + path, authorization if parts.userinfo else {}


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Returns the headers with lower-case names.

    Raises:
        NotMeasured: HTTP does not allow one of them; says which and why, and not its value.
    """
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise NotMeasured(f"{name[:40]!r} cannot be the name of a header", "Correct headers of the environment.")
        if not _VALUE.fullmatch(value):
            problem = "begins or ends with white space" if value != value.strip() else "holds a character"
            raise NotMeasured(
                f"the value of the header {name} {problem} that HTTP does not allow",
                "Look at the variable it comes from: often a line break at its end was stored with it.",
            )
    return {name.lower(): value for name, value in headers.items()}


def shown_url(url: str) -> str:
    """Returns the URL as it may be shown: no credentials, no values of the query, not endless."""
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    names = [name.partition("=") for name in parts.query.split("&")] if parts.query else []
    query = "&".join(f"{name}=***" if equals else "***" for name, equals, _ in names)
    shown = f"{place}?{query}" if query else place
    return shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}..."


def peer_of(url: str) -> str:
    """Returns host and port."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return host if parts.port else f"{host}:{_PORTS[parts.scheme]}"


def redirect_target(response: httpx.Response) -> str | None:
    """Returns where the answer redirects to, None where it does not or where that is another origin.

    Only path and query are taken from the answer: credentials in it are not ours.
    """
    import httpx

    if response.status_code not in REDIRECTS or "location" not in response.headers:
        return None
    here = response.url
    try:
        there = here.join(response.headers["location"])
    except httpx.InvalidURL:
        return None
    if (there.scheme, there.host, there.port or _PORTS.get(there.scheme)) != (
        here.scheme,
        here.host,
        here.port or _PORTS[here.scheme],
    ):
        return None
    return _origin(here) + there.raw_path.decode("ascii")


def check_redirects(chain: Sequence[str]) -> None:
    """At most 5 redirects were followed.

    Returning to an earlier address once is no loop yet: setting a cookie on the way is common.

    Args:
        chain: every address so far, the one to be asked next included.

    Raises:
        NotMeasured: there are more; names the chain.
    """
    if len(chain) - 1 > MOST_REDIRECTS:
        kind = "a redirect loop" if len(set(chain)) < len(chain) else f"more than {MOST_REDIRECTS} redirects"
        raise NotMeasured(
            f"{kind}: {' -> '.join(map(shown_url, chain))}",
            "Correct the redirects, or check the address that they lead to.",
        )
