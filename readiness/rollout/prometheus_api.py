"""The HTTP API of Prometheus, as far as the judge needs it: instant queries, of selectors and of ranges of them.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from readiness.errors import NotMeasured
from readiness.rollout.source import Answer, Http

if TYPE_CHECKING:
    import msgspec

PATH = "/api/v1/query"
TIMEOUT_S = 10.0
_SHOWN = 300


class Native(NamedTuple):
    """A native histogram at one moment: what is in its buckets, which are those that are not empty."""

    observations: float
    buckets: tuple[tuple[float, float, float], ...]
    """Lower edge, upper edge, observations in between."""


class Found(NamedTuple):
    """One series of an answer."""

    labels: Mapping[str, str]
    times_s: tuple[float, ...]
    values: tuple[float, ...]
    """Empty where it is a native histogram."""
    natives: tuple[Native, ...] = ()


class PrometheusApi:
    """Asks one Prometheus.

    Args:
        http: asks its address, with its prefix, headers and certificates.
    """

    def __init__(self, http: Http) -> None:
        self.http = http

    def now_s(self) -> float:
        """Returns what time it is on the server's clock, by which its samples are stamped."""
        (found,) = self.query("vector(time())", None)
        return found.values[0]

    def query(self, expression: str, time_s: float | None) -> list[Found]:
        """Returns the series of a selector, or their raw samples where it has a range.

        Args:
            expression: a selector, with a range such as `[60s]` for raw samples; or any expression that gives a vector.
            time_s: the moment that it is evaluated at; None for now.

        Raises:
            NotMeasured: it could not be asked, it refused, or it warns that the answer is not the whole one.
        """
        form = {"query": expression, "timeout": f"{TIMEOUT_S:g}s"}
        if time_s is not None:
            form["time"] = f"{time_s:.3f}"
        answer = self.http.request("POST", PATH, form=form, timeout_s=TIMEOUT_S)
        with _without_collections():
            reply = self._reply(answer, expression)
            found = [] if reply.data is None else [_found(each) for each in reply.data.result]
        if reply.warnings:
            raise NotMeasured(
                f"Prometheus at {self.http.address} warns about {expression}: {_short('; '.join(reply.warnings))}",
                "An answer with warnings may be only a part; see its log and its remote storages.",
            )
        if reply.data is None:
            raise NotMeasured(f"Prometheus at {self.http.address} answers without data to {expression}")
        return found

    def _reply(self, answer: Answer, expression: str) -> Any:
        import msgspec

        where = f"Prometheus at {self.http.address}"
        fast, exact, error_only = _decoders()
        if answer.status != HTTPStatus.OK:
            raise self._refusal(answer, expression, error_only)
        try:
            reply = fast.decode(answer.body)
        except msgspec.ValidationError:
            try:
                reply = exact.decode(answer.body)  # slower, and knows how an infinity is written
            except msgspec.DecodeError as error:
                raise NotMeasured(f"{where}: the answer to {expression} is not in its format: {error}") from None
        except msgspec.DecodeError:
            kind = answer.headers.get("content-type", "no content type")
            cause = f"{where} answers 200 with {_short(kind)}, and it is no JSON"
            raise NotMeasured(
                cause, "Check the address and its prefix, and whether a login page is in between."
            ) from None
        if reply.status != "success":
            raise NotMeasured(f"{where} refuses {expression}: {_short(reply.error) or reply.status}")
        return reply

    def _refusal(self, answer: Answer, expression: str, error_only: Any) -> NotMeasured:
        import msgspec

        where = f"Prometheus at {self.http.address}"
        try:
            said = _short(error_only.decode(answer.body).error)
        except msgspec.DecodeError:
            said = ""
        if answer.status in REDIRECTS and "location" in answer.headers:
            return self._redirect(answer)
        cause = f"{where} answers {answer.status} to {expression}{f': {said}' if said else ''}"
        if answer.status in _OF_WHO_ASKS:
            return NotMeasured(cause, self._who_asks(answer.status))
        return NotMeasured(cause, _REMEDIES.get(answer.status, "Read its log."))

    def _redirect(self, answer: Answer) -> NotMeasured:
        # Its path and query may have a token of a login in them.
        host = urlsplit(answer.headers["location"]).netloc.rpartition("@")[2]
        where = host or "another path of the same host"
        cause = f"Prometheus at {self.http.address} answers {answer.status} and redirects to {_short(where)}"
        return NotMeasured(
            cause, f"Name the address that answers itself, with its prefix. If that is a login page: {_HOW_TO_SAY}"
        )

    def _who_asks(self, status: int) -> str:
        sent = ", ".join(self.http.header_names)
        if not sent:
            return f"Nothing was sent that says who asks. {_HOW_TO_SAY}"
        if status == HTTPStatus.FORBIDDEN:
            return f"Sent, and known, but not allowed: {sent}. Give it the right to query, or name another token."
        return f"Sent, and refused: {sent}. Check that the value in the environment is whole, and has not expired."


REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OF_WHO_ASKS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_HOW_TO_SAY = 'Add headers = { Authorization = "Bearer ${TOKEN}" } to [rollout].'
_REMEDIES = {
    400: "Correct the selector.",
    404: "Add the prefix under which Prometheus answers to its address.",
    405: "Allow POST to /api/v1/query.",
    422: "Correct the selector.",
    429: "Query less often (`every`), or raise the limit.",
    503: "Prometheus is overloaded, or starts.",
}


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Inside, nothing is searched for garbage: ten thousand series are two hundred thousand objects, none of them in a cycle.

    Searching takes as long as reading does. It is off for a tenth of a second, and while nothing is waited for.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


@cache
def _decoders() -> tuple[msgspec.json.Decoder[Any], msgspec.json.Decoder[Any], msgspec.json.Decoder[Any]]:
    import msgspec

    class NativeJson(msgspec.Struct):
        count: float
        buckets: list[tuple[int, float, float, float]] = []

    def reply(value: Any) -> Any:
        series = msgspec.defstruct(
            "Series",
            [
                ("metric", dict[str, str]),
                ("values", list[tuple[float, value]], msgspec.field(default_factory=list)),
                ("value", tuple[float, value] | None, None),
                ("histograms", list[tuple[float, NativeJson]], msgspec.field(default_factory=list)),
            ],
            gc=False,
        )
        data = msgspec.defstruct("Data", [("result", list[series])])  # type: ignore[valid-type] # a type made here
        return msgspec.defstruct(
            "Reply",
            [
                ("status", str),
                ("data", data | None, None),
                ("error", str, ""),
                ("warnings", list[str], msgspec.field(default_factory=list)),
            ],
        )

    class Refusal(msgspec.Struct):
        error: str = ""

    return (
        msgspec.json.Decoder(reply(float), strict=False),  # values are numbers in text
        msgspec.json.Decoder(reply(str), strict=False),
        msgspec.json.Decoder(Refusal),
    )


def _found(series: Any) -> Found:
    pairs = series.values if series.value is None else [series.value]
    if pairs:
        times, values = zip(*pairs, strict=True)
        return Found(series.metric, times, values if type(values[0]) is float else tuple(map(float, values)))
    natives = tuple(Native(each.count, tuple(bucket[1:] for bucket in each.buckets)) for _, each in series.histograms)
    return Found(series.metric, tuple(time for time, _ in series.histograms), (), natives)
