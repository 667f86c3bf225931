"""Observes an HTTP target: bounded in time and memory, on kept-alive connections, without showing a secret."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from readiness.errors import NotMeasured
from readiness.probes.deadline import Deadline
from readiness.probes.http_address import (
    base_address,
    check_redirects,
    checked_headers,
    peer_of,
    redirect_target,
    shown_url,
)
from readiness.probes.http_body import read_body
from readiness.probes.interface import Budget
from readiness.probes.reply import EndpointObservation, Reply

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping, Sequence

    import httpx

    from readiness.config.model import Endpoint
    from readiness.probes.transport import Exchange


__all__ = ["EndpointObservation", "HttpProbe", "Reply"]


@dataclass(frozen=True, slots=True)
class _Message:
    """One request to be sent."""

    method: str
    url: str = field(repr=False)
    json: Any = field(repr=False)
    form: Mapping[str, str] | None = field(repr=False)
    headers: httpx.Headers = field(repr=False)
    cookies: httpx.Cookies = field(repr=False)
    """Of the request and its redirects; those of each answer are added."""


class HttpProbe:
    """Asks one HTTP target. Thread safe; up to 8 requests at once.

    Args:
        base_url: address of the service; credentials in it are sent as basic authentication.
        headers: sent with every request, to this target only.
        instances: addresses of the single instances of the service, for `observe_each`.
        budget: seconds left of the whole run.
        timeout_s: bound of one request in all, redirects and body included.
        connect_timeout_s: bound of name resolution, TCP and TLS together.
        most_bytes: bound of a body, counted after decompression.
        tls: what certificates are trusted; by default certifi's, or those of SSL_CERT_FILE or SSL_CERT_DIR.

    Raises:
        NotMeasured: the address or a header is not one that HTTP allows.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        *,
        instances: Sequence[str] = (),
        budget: Budget,
        timeout_s: float = 10.0,
        connect_timeout_s: float = 3.0,
        most_bytes: int = 8 * 1024 * 1024,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._base, authorization = base_address(base_url)
        self._headers = {**authorization, **checked_headers(headers or {})}
        self._budget = budget
        self.timeout_s = timeout_s
        self.most_bytes = most_bytes
        self._connect_timeout_s = connect_timeout_s
        self._tls = tls
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()
        bounds: dict[str, Any] = {
            "timeout_s": timeout_s,
            "connect_timeout_s": connect_timeout_s,
            "most_bytes": most_bytes,
        }
        others = {address.rstrip("/"): None for address in instances if address.rstrip("/") != base_url.rstrip("/")}
        self._instances = [HttpProbe(each, headers, budget=budget, tls=tls, **bounds) for each in others]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """All connections are closed; a later request opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()
        for instance in self._instances:
            instance.close()

    @property
    def header_names(self) -> tuple[str, ...]:
        """Names of the headers that are sent with every request."""
        return tuple(self._headers)

    @property
    def address(self) -> str:
        """The address of the service, as it may be shown."""
        return shown_url(self._base)

    def reach(self) -> None:
        """Somebody takes connections at the address; nothing is asked.

        Behind a proxy nothing is tried: whether the proxy takes connections says nothing about the target.

        Raises:
            NotMeasured: the name does not resolve, or nobody answers there within the connect limit.
        """
        import httpx

        from readiness.probes.http_failure import failures
        from readiness.probes.transport import BoundedBackend, Exchange, environment_proxy

        url = httpx.URL(self._base)
        if environment_proxy(url) is not None:
            return
        exchange = Exchange(Deadline(self.timeout_s, self._budget), self._connect_timeout_s)
        with failures(exchange, f"connecting to {peer_of(self._base)}", peer_of(self._base)):
            port = url.port or (443 if url.scheme == "https" else 80)
            BoundedBackend().connect_tcp(url.host, port).close()

    def get(self, path: str, **options: Any) -> Reply:
        """Returns the answer to a GET; see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Reply:
        """Returns the answer to a POST; see `request`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Reply:
        """Returns the answer to a PUT; see `request`."""
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        """Returns the answer to a DELETE; see `request`."""
        return self.request("DELETE", path, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        follow: bool = False,
        most_bytes: int | None = None,
    ) -> Reply:
        """Returns the answer, whatever its status. Nothing is ever sent twice.

        Args:
            method: such as `GET`.
            path: begins with `/`; may have a query.
            json: sent as the body; None sends none.
            form: sent as the body, as a form does; None sends none.
            headers: besides and instead of the probe's own.
            timeout_s: instead of the probe's own.
            follow: follow up to 5 redirects, to the same scheme, host and port only. A redirect to elsewhere is
                returned as the answer: headers with credentials never leave the target.
            most_bytes: instead of the probe's own.

        Raises:
            NotMeasured: there was no answer, or none that could be read whole within the bounds.
            ValueError: the path does not begin with `/`.
        """
        import httpx

        if not path.startswith("/"):
            raise ValueError(f"a path begins with '/', unlike {path[:40]!r}; the address is the environment's")
        limit_s = self.timeout_s if timeout_s is None else timeout_s
        deadline = Deadline(limit_s, self._budget)
        # Cookies are of this request and its redirects; nothing is kept from one request to the next.
        message = _Message(method, self._base + path, json, form, self._with(headers or {}), httpx.Cookies())
        where = f"{method} {shown_url(message.url)}"
        redirects: list[str] = []
        elapsed_ms = 0.0
        connect_ms: float | None = None
        while True:
            reply, target = self._send(message, deadline, self.most_bytes if most_bytes is None else most_bytes)
            elapsed_ms += reply.elapsed_ms
            connect_ms = reply.connect_ms if reply.connect_ms is not None else connect_ms
            if not follow or target is None:
                shown = tuple(map(shown_url, redirects))
                return replace(reply, elapsed_ms=elapsed_ms, connect_ms=connect_ms, where=where, redirects=shown)
            redirects.append(message.url)
            check_redirects([*redirects, target])
            message = replace(message, url=target)
            if reply.status == HTTPStatus.SEE_OTHER or (reply.status in {301, 302} and message.method == "POST"):
                message = replace(message, method="HEAD" if message.method == "HEAD" else "GET", json=None, form=None)

    def observe(self, endpoint: Endpoint, samples: int) -> EndpointObservation:
        """Returns what the endpoint answered to `samples` requests in a row.

        Redirects within the target are followed, unless the endpoint is configured to answer with one.

        Raises:
            NotMeasured: one of them could not be observed; says which.
        """
        from readiness.probes.sampling import sample

        return sample(self, endpoint, samples)

    def observe_each(self, endpoint: Endpoint, samples: int) -> tuple[EndpointObservation, ...]:
        """Returns the same of the target and of each of its instances, which are asked at the same time.

        Raises:
            NotMeasured: one of them could not be observed; says which.
        """
        from readiness.probes.sampling import sample_each

        return sample_each((self, *self._instances), endpoint, samples)

    def _with(self, headers: Mapping[str, str]) -> httpx.Headers:
        """Returns the probe's headers with these besides and instead of its own."""
        import httpx

        return httpx.Headers({**self._headers, **checked_headers(headers)})

    def _send(self, message: _Message, deadline: Deadline, most_bytes: int) -> tuple[Reply, str | None]:
        """Returns one answer, and where it redirects to within the target."""
        import httpx

        from readiness.probes.http_failure import failures
        from readiness.probes.transport import Exchange

        where = f"{message.method} {shown_url(message.url)}"
        exchange = Exchange(deadline, self._connect_timeout_s)
        with failures(exchange, where, peer_of(self._base)):
            client = self._ready_client()
            timeout = httpx.Timeout(None, pool=deadline.left())
            request = client.build_request(
                message.method,
                message.url,
                json=message.json,
                data=message.form,
                headers=message.headers,
                timeout=timeout,
            )
            message.cookies.set_cookie_header(request)
            started = time.perf_counter()
            response = client.send(request, stream=True, follow_redirects=False)
            try:
                _check_it_was_asked_for(exchange, where)
                body = read_body(response, most_bytes, where)
            finally:
                response.close()
            elapsed_ms = (time.perf_counter() - started) * 1000 - (exchange.connect_ms or 0.0)
            message.cookies.extract_cookies(response)
            path = response.url.path
        target = redirect_target(response)
        return Reply(response.status_code, elapsed_ms, exchange.connect_ms, response.headers, body, where, path), target

    def _ready_client(self) -> httpx.Client:
        from http.cookiejar import CookieJar, DefaultCookiePolicy

        import httpx

        from readiness.probes.transport import BoundedTransport, environment_proxy

        with self._lock:
            if self._client is None:
                proxy = environment_proxy(httpx.URL(self._base))
                is_plain = self._base.startswith("http:")
                tls = self._tls or (_no_tls() if is_plain else _default_tls())
                no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # threads must not share a session
                self._client = httpx.Client(
                    transport=BoundedTransport(tls, proxy),
                    cookies=no_cookies,
                    trust_env=False,  # the proxy was chosen above; a .netrc must not add credentials
                    headers={"accept-encoding": "gzip", "user-agent": "readiness"},
                )
            return self._client


def _check_it_was_asked_for(exchange: Exchange, where: str) -> None:
    """The answer came after the question: bytes left over from an earlier answer are none."""
    if not exchange.received:
        raise NotMeasured(
            f"{where}: the server had sent more than one answer to an earlier request",
            "Correct the Content-Length of its answers; proxies and clients will mix them up as well.",
        )


def _default_tls() -> ssl.SSLContext:
    """Returns a context that trusts certifi's authorities, or those of SSL_CERT_FILE or SSL_CERT_DIR."""
    import httpx

    try:
        return httpx.create_ssl_context()
    except OSError:
        cause = "the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read"
        raise NotMeasured(cause, "Name a PEM file that exists, or unset the variable.") from None


def _no_tls() -> ssl.SSLContext:
    """Returns a context that trusts nobody: loading all authorities takes 20 ms, and http needs none."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
