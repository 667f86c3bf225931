"""One pod of a small service: `python pod.py --port 8000`, with counters for Prometheus and faults switched on by POST.

    GET  /work      200, or what the faults say; counted
    GET  /metrics   the counters, in Prometheus' text format
    POST /faults    {"errors": 0.05, "slow_s": 0.3}: replaces the faults

Faults are spread evenly over the requests and not drawn, so that a test sees the share that it asked for. It knows
nothing of the project, and starts in a tenth of a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time

EDGES_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
METRIC = """\
# TYPE {name} counter
{name}{{endpoint="/work",status_code="200"}} {good}
{name}{{endpoint="/work",status_code="500"}} {bad}
# TYPE api_request_duration_seconds histogram
{buckets}
# TYPE process_start_time_seconds gauge
process_start_time_seconds {started}
"""
NAME = "api_requests_total"


class Pod:
    """Counters and faults.

    Args:
        good: requests answered so far, before this process was there: for a past that a test has made up.
        started_s: when it has started, by what it says.
    """

    def __init__(self, good: int, started_s: float) -> None:
        self.good = good
        self.bad = 0
        self.started_s = started_s
        self.at_most = [good] * len(EDGES_S)
        self.errors = 0.0
        self.slow_s = 0.0
        self._error_part = 0.0

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
        return status

    def metrics(self) -> str:
        """Returns what /metrics says."""
        base, total = "api_request_duration_seconds", self.good + self.bad
        edges = [*((f"{edge:g}", count) for edge, count in zip(EDGES_S, self.at_most, strict=True)), ("+Inf", total)]
        lines = [f'{base}_bucket{{endpoint="/work",le="{edge}"}} {count}' for edge, count in edges]
        lines.append(f'{base}_count{{endpoint="/work"}} {total}')
        buckets = "\n".join(lines)
        return METRIC.format(name=NAME, good=self.good, bad=self.bad, buckets=buckets, started=self.started_s)

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
                head = f"HTTP/1.1 {status} -\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {len(text)}\r\n\r\n"
                writer.write(head.encode() + text.encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        if (method, path) == ("GET", "/work"):
            return await self.work(), "done"
        if (method, path) == ("GET", "/metrics"):
            return 200, self.metrics()
        if (method, path) == ("POST", "/faults"):
            faults = json.loads(body)
            self.errors, self.slow_s = faults.get("errors", 0.0), faults.get("slow_s", 0.0)
            return 200, "switched"
        return 404, "nothing is here"


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--good", type=int, default=0)
    parser.add_argument("--started", type=float, default=time.time())
    options = parser.parse_args()
    server = await asyncio.start_server(Pod(options.good, options.started).serve, "127.0.0.1", options.port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
