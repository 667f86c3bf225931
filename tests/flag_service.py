"""A flag service on loopback that speaks all three protocols, honestly unless it is told otherwise.

The HTTP API of the runbooks, OpenFeature's remote evaluation protocol and Unleash's client API, over one set of flags
that a test can change and break.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import unquote

CHECKOUT: dict[str, Any] = {
    "enabled": True,
    "kill_switch": False,
    "rollout": {"strategy": "canary", "percentage": 10, "user_segments": ["canary", "internal"]},
    "stages": [10, 25, 50, 75, 100],
    "opt_in_segments": ["canary", "internal", "beta"],
}
EVERYBODY: dict[str, Any] = {
    "enabled": True,
    "kill_switch": False,
    "rollout": {"strategy": "full", "percentage": 100, "user_segments": []},
}
OFF: dict[str, Any] = {
    "enabled": False,
    "kill_switch": False,
    "rollout": {"strategy": "off", "percentage": 0, "user_segments": ["all"]},
    "stages": [100],
}
TOKEN = "s3cret-client-token"

Reply = tuple[int, object]
"""Status and JSON document."""
Answer = tuple[int, str, str]
"""Status, content type, body."""


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Returns `base` with `change` laid over it; objects merge, all else replaces."""
    result = dict(base)
    for key, value in change.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def bucket(text: str) -> float:
    """Returns a place between 0 and 100, the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48 * 100


@dataclass
class FlagService:
    """The flags, and how the service behaves."""

    flags: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"checkout": copy.deepcopy(CHECKOUT), "search": copy.deepcopy(EVERYBODY)}
    )
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    """Method, path and body, in the order they came."""
    # --- what is wrong with it ---
    answers: int = 0
    """Every request is answered with this status, unless it is 0."""
    fails_every: int = 0
    """Each so many-th evaluation is answered with 500."""
    forgets: bool = False
    """PUT is acknowledged and ignored."""
    drifts: bool = False
    """Each evaluation is of somebody else."""
    bias: float = 1.0
    """The percentage reaches so many times the users that it says."""
    rehashes: bool = False
    """The percentage is part of what is hashed, so that raising it draws all users anew."""
    ignores_kill_switch: bool = False
    segment_beats_kill_switch: bool = False
    refuses_to_open: bool = False
    """A flag that is killed cannot be switched on."""
    keeps: Callable[[dict[str, Any]], bool] = lambda _change: False
    """Changes of this kind are answered with 500 and made all the same, until it is told otherwise."""
    reached: Callable[[str, dict[str, Any]], None] = lambda _name, _flag: None
    """Called before each evaluation; a test may wait in it."""
    features: list[dict[str, Any]] | None = None
    """Unleash's features, instead of those made from the flags."""
    status: dict[str, Any] = field(default_factory=dict)
    """Besides what the status says."""
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, body: bytes, authorization: str = "") -> Answer | None:
        """Returns the answer to a request; None where the path is not one of a flag service."""
        plain = unquote(path.partition("?")[0])
        parts = plain.strip("/").split("/")
        if parts[0] not in ("feature-flags", "ofrep", "api"):
            return None
        asked = json.loads(body) if body else None
        with self._lock:
            self.requests.append((method, plain, asked))
        if self.answers:
            status, document = self.answers, {"detail": "out of order"}
        elif parts[0] == "feature-flags":
            status, document = self._http(method, parts[1:], asked)
        elif parts[0] == "ofrep":
            status, document = self._ofrep(parts[4:], asked)
        else:
            status, document = self._unleash(authorization)
        return status, "application/json", json.dumps(document)

    # --- the HTTP API -------------------------------------------------------------------------------------------------

    def _http(self, method: str, parts: list[str], asked: Any) -> Reply:
        if parts == ["status"]:
            return 200, {"status": "healthy", "flags": {name: {} for name in self.flags}} | self.status
        name = parts[0]
        if name not in self.flags:
            return 404, {"detail": f"no flag {name}"}
        if len(parts) > 1:
            if self._fails_now():
                return 500, {"detail": "no luck"}
            return 200, {"flag": name, "enabled": self.is_on(name, asked["user_id"], asked.get("user_segment"))}
        return self._put(name, asked) if method == "PUT" else (200, self.flags[name])

    def _put(self, name: str, change: dict[str, Any]) -> Reply:
        flag = merged(self.flags[name], change)
        if self.refuses_to_open and flag["kill_switch"] and flag["rollout"]["strategy"] == "full":
            return 422, {"detail": "a flag that is killed cannot be switched on"}
        if self.keeps(change):
            return 500, {"detail": "out of order"}
        if not self.forgets:
            self.flags[name] = flag
        return 200, flag

    # --- OFREP --------------------------------------------------------------------------------------------------------

    def _ofrep(self, parts: list[str], asked: Any) -> Reply:
        user = asked["context"]["targetingKey"]
        if not parts:
            return 200, {"flags": [self._ofrep_success(name, user) for name in self.flags]}
        name = parts[0]
        if name not in self.flags:
            return 404, {"key": name, "errorCode": "FLAG_NOT_FOUND"}
        if self._fails_now():
            return 500, {"errorDetails": "no luck"}
        return 200, self._ofrep_success(name, user)

    def _ofrep_success(self, name: str, user: str) -> dict[str, Any]:
        is_on = self.is_on(name, user)
        return {"key": name, "reason": "SPLIT", "variant": "on" if is_on else "off", "value": is_on}

    # --- Unleash ------------------------------------------------------------------------------------------------------

    def _unleash(self, authorization: str) -> Reply:
        if authorization != TOKEN:
            return 401, {"name": "AuthenticationRequired"}
        made = [self._feature(name, flag) for name, flag in self.flags.items()]
        return 200, {"version": 2, "features": made if self.features is None else self.features}

    def _feature(self, name: str, flag: dict[str, Any]) -> dict[str, Any]:
        rollout = str(flag["rollout"]["percentage"])
        given = {"rollout": rollout, "stickiness": "random" if self.drifts else "default", "groupId": name}
        return {
            "name": name,
            "enabled": flag["enabled"] and not flag["kill_switch"],
            "strategies": [{"name": "flexibleRollout", "parameters": given, "constraints": []}],
        }

    # --- the rules ----------------------------------------------------------------------------------------------------

    def is_on(self, name: str, user: str, segment: str | None = None) -> bool:
        """Whether a user is reached."""
        flag = self.flags[name]
        self.reached(name, flag)
        rollout = flag["rollout"]
        is_in = segment in flag.get("opt_in_segments", ()) and segment in rollout["user_segments"]
        if self.segment_beats_kill_switch and is_in:
            return True
        is_killed = flag["kill_switch"] and not self.ignores_kill_switch
        if is_killed or not flag["enabled"] or rollout["strategy"] in ("off", "kill_switch"):
            return False
        if is_in or rollout["percentage"] >= 100:
            return True
        who = str(random.random()) if self.drifts else user
        key = f"{name}:{who}:{rollout['percentage']}" if self.rehashes else f"{name}:{who}"
        return bucket(key) < rollout["percentage"] * self.bias

    def _fails_now(self) -> bool:
        with self._lock:
            return bool(self.fails_every) and next(self._count) % self.fails_every == 0


class Answering(Protocol):
    """Whatever answers as a flag service does."""

    def answer(self, method: str, path: str, body: bytes, authorization: str = "") -> Answer | None:
        """Returns the answer to a request."""


@contextmanager
def serving_flags(service: Answering) -> Iterator[str]:
    """The service answers at the address that is given."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given = service.answer(self.command, self.path, body, self.headers.get("Authorization", ""))
            status, kind, text = given or (404, "text/plain", "")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PUT = do_POST = _serve  # noqa: N815 - the names that the base class calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            """Nothing: pytest shows what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
