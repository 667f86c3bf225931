"""One pod of a small service: `python pod.py --port 8000`, with counters for Prometheus and faults switched on by POST.

    GET  /work      200, or what the faults say; counted
    GET  /metrics   the counters, in Prometheus' text format; with --native in its protobuf format, with a native histogram;
                    with --lazy each comes with its first event, as labelled ones of the client libraries do
    POST /faults    {"errors": 0.05, "slow_s": 0.3}: replaces the faults

Faults are spread evenly over the requests and not drawn, so that a test sees the share that it asked for. It knows
nothing of the project, and starts in a tenth of a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import struct
import time
from collections import Counter
from collections.abc import Iterable

EDGES_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
METRIC = """\
# TYPE {name} counter
{counters}
# TYPE api_request_duration_seconds histogram
{buckets}
# TYPE process_start_time_seconds gauge
process_start_time_seconds {started}
"""
NAME = "api_requests_total"
TEXT = "text/plain; version=0.0.4"
PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
SCHEMA = 3
"""A native histogram has 2**3 buckets for each power of 2."""


class Pod:
    """Counters and faults.

    Args:
        good: requests answered so far, before this process was there: for a past that a test has made up.
        started_s: when it has started, by what it says.
        is_native: its histogram is native.
        is_lazy: its counters come with their first event.
    """

    def __init__(self, good: int, started_s: float, *, is_native: bool = False, is_lazy: bool = False) -> None:
        self.is_lazy = is_lazy
        self.is_native = is_native
        self.good = good
        self.bad = 0
        self.started_s = started_s
        self.at_most = [good] * len(EDGES_S)
        self.errors = 0.0
        self.slow_s = 0.0
        self._error_part = 0.0
        self.durations: Counter[int] = Counter()
        """By the index of a native bucket."""

    async def work(self) -> int:
        """Returns a status, in its time."""
        began = time.perf_counter()
        self._error_part += self.errors
        status = 500 if self._error_part >= 1 else 200
        self._error_part -= status == 500
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        took_s = time.perf_counter() - began
        self.good += status == 200
        self.bad += status == 500
        self.at_most = [count + (took_s <= edge) for count, edge in zip(self.at_most, EDGES_S, strict=True)]
        self.durations[math.ceil(math.log2(took_s) * 2**SCHEMA)] += 1
        return status

    def metrics(self) -> str:
        """Returns what /metrics says."""
        base, total = "api_request_duration_seconds", self.good + self.bad
        edges = [*((f"{edge:g}", count) for edge, count in zip(EDGES_S, self.at_most, strict=True)), ("+Inf", total)]
        lines = [f'{base}_bucket{{endpoint="/work",le="{edge}"}} {count}' for edge, count in edges]
        lines.append(f'{base}_count{{endpoint="/work"}} {total}')
        counters = [
            f'{NAME}{{endpoint="/work",status_code="{status}"}} {count}'
            for status, count in (("200", self.good), ("500", self.bad))
            if count or not self.is_lazy
        ]
        buckets = "\n".join(lines if total or not self.is_lazy else [])
        return METRIC.format(name=NAME, counters="\n".join(counters), buckets=buckets, started=self.started_s)

    def native_metrics(self) -> bytes:
        """Returns the same in the format in which Prometheus scrapes native histograms."""
        requests = [
            _metric(3, _double(1, count), endpoint="/work", status_code=status)
            for status, count in (("200", self.good), ("500", self.bad))
        ]
        return (
            _family(NAME, 0, requests)
            + _family("api_request_duration_seconds", 4, [_metric(7, _native(self.durations), endpoint="/work")])
            + _family("process_start_time_seconds", 1, [_metric(2, _double(1, self.started_s))])
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the requests of one connection."""
        try:
            while line := await reader.readline():
                method, path, _ = line.decode().split()
                length = 0
                while (header := await reader.readline()) not in (b"\r\n", b""):
                    name, _, value = header.decode().partition(":")
                    length = int(value) if name.lower() == "content-length" else length
                body = await reader.readexactly(length)
                status, text = await self._answer(method, path.partition("?")[0], body)
                kind, text = (PROTOBUF, text) if isinstance(text, bytes) else (TEXT, text.encode())
                head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n\r\n"
                writer.write(head.encode() + text)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, path: str, body: bytes) -> tuple[int, str | bytes]:
        if (method, path) == ("GET", "/work"):
            return await self.work(), "done"
        if (method, path) == ("GET", "/metrics"):
            return 200, self.native_metrics() if self.is_native else self.metrics()
        if (method, path) == ("POST", "/faults"):
            faults = json.loads(body)
            self.errors, self.slow_s = faults.get("errors", 0.0), faults.get("slow_s", 0.0)
            return 200, "switched"
        return 404, "nothing is here"


# --- io.prometheus.client.MetricFamily, by the numbers of its fields ------------------------------------------------


def _varint(number: int) -> bytes:
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _signed(field: int, value: int) -> bytes:
    return _number(field, value * 2 if value >= 0 else -value * 2 - 1)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _message(field: int, inner: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(inner)) + inner


def _metric(kind: int, value: bytes, **labels: str) -> bytes:
    pairs = (_message(1, _message(1, name.encode()) + _message(2, text.encode())) for name, text in labels.items())
    return b"".join(pairs) + _message(kind, value)


def _family(name: str, kind: int, metrics: Iterable[bytes]) -> bytes:
    family = _message(1, name.encode()) + _number(3, kind) + b"".join(_message(4, each) for each in metrics)
    return _varint(len(family)) + family


def _native(durations: Counter[int]) -> bytes:
    found = _number(1, durations.total()) + _double(2, 0.0) + _signed(5, SCHEMA) + _double(6, 1e-9) + _number(7, 0)
    following, last = 0, 0
    for index in sorted(durations):  # a span for each bucket: its distance from the one before, and its length
        found += _message(12, _signed(1, index - following) + _number(2, 1))
        following = index + 1
    for index in sorted(durations):
        found += _signed(13, durations[index] - last)
        last = durations[index]
    return found


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--good", type=int, default=0)
    parser.add_argument("--started", type=float, default=time.time())
    parser.add_argument("--native", action="store_true")
    parser.add_argument("--lazy", action="store_true")
    options = parser.parse_args()
    pod = Pod(options.good, options.started, is_native=options.native, is_lazy=options.lazy)
    server = await asyncio.start_server(pod.serve, "127.0.0.1", options.port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
