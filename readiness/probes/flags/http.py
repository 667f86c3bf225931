"""Flags behind an HTTP API of the service: a status, one resource per flag, an evaluation per user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError, shown
from readiness.probes.flags.definition import definition_of
from readiness.probes.flags.interface import (
    Answer,
    Definition,
    DefinitionsObservation,
    Evaluate,
    PresenceObservation,
    ServiceObservation,
    User,
)
from readiness.probes.flags.naming import filled
from readiness.probes.flags.replies import TIMEOUT_S, admitted, answered, document_of, read

if TYPE_CHECKING:
    from readiness.probes.flags.file import FileSource
    from readiness.probes.http import HttpProbe

STATUS = "/feature-flags/status"
FLAG = "/feature-flags/{flag}"
EVALUATE = "/feature-flags/{flag}/evaluate"
UNWELL = frozenset({"down", "unhealthy", "error", "degraded", "fail", "failed", "failing", "unavailable", "critical"})
MOST_FLAGS = 200
"""So many definitions are read at most."""


class HttpSource:
    """Asks the HTTP API.

    Args:
        http: where the API is.
        status: path of the status of all flags.
        flag: path of one flag, with `{flag}`; GET returns its definition, PUT merges into it.
        evaluate: path of an evaluation, with `{flag}`; POST takes `user_id` and `user_segment`.
        file: the definitions in the repository, if they are to be judged too.
        address: of the API, as messages show it.
    """

    in_flight = 8

    def __init__(
        self,
        http: HttpProbe,
        *,
        status: str | None = None,
        flag: str | None = None,
        evaluate: str | None = None,
        file: FileSource | None = None,
        address: str = "",
    ) -> None:
        self._http = http
        self._address = address
        self._status = status or STATUS
        self._flag = flag or FLAG
        self._evaluate = evaluate or EVALUATE
        self._file = file

    def reach(self) -> None:
        """The service can be reached."""
        self._http.reach()

    def service(self) -> ServiceObservation:
        """Returns how the status endpoint answers."""
        reply = admitted(self._http.get(self._status, follow=True))
        if reply.status != HTTPStatus.OK:
            return ServiceObservation(reply.where, reply.status, (answered(reply),), 0)
        document = document_of(reply)
        said = document.get("status")
        complaints = (f"/status: {said}",) if isinstance(said, str) and said.lower() in UNWELL else ()
        return ServiceObservation(reply.where, reply.status, complaints, len(_names(document)))

    def definitions(self, required: Sequence[str]) -> DefinitionsObservation:
        """Returns the definitions of the required flags, of all that the status lists, and of those in the file."""
        listed = _names(read(self._http.get(self._status, follow=True)))
        names = list(dict.fromkeys([*required, *listed]))[:MOST_FLAGS]
        served = tuple(each for each in map(self.definition, names) if each is not None)
        written = self._file.definitions(required).definitions if self._file is not None else ()
        if not served:
            cause = f"the flag service has a definition of none of: {', '.join(names) or 'no flag is listed'}"
            raise NotMeasured(cause, "Name the flags in required of [flags], and correct the path `flag`.")
        return DefinitionsObservation((*served, *written))

    def definition(self, flag: str) -> Definition | None:
        """Returns the definition that is in force; None where there is no such flag."""
        reply = self._http.get(filled(self._flag, flag), timeout_s=TIMEOUT_S)
        if reply.status == HTTPStatus.NOT_FOUND:
            return None
        return definition_of(flag, reply.where, read(reply))

    def presence(self, flag: str) -> PresenceObservation:
        """Returns whether the service knows the flag."""
        reply = self._http.get(filled(self._flag, flag), timeout_s=TIMEOUT_S)
        if reply.status == HTTPStatus.NOT_FOUND:
            return PresenceObservation(False, reply.where, f"answered 404: {reply.excerpt}")
        read(reply)
        return PresenceObservation(True, reply.where)

    def path(self, flag: str) -> str:
        """Returns the path of the flag."""
        return filled(self._flag, flag)

    def change(self, flag: str, change: Mapping[str, Any]) -> None:
        """The change was merged into the flag, as the service says.

        Raises:
            DocumentError: it was refused.
        """
        document_of(self._http.put(filled(self._flag, flag), json=dict(change), timeout_s=TIMEOUT_S))

    def evaluator(self, flag: str) -> Evaluate:
        """Returns what asks the service."""
        path = filled(self._evaluate, flag)

        def evaluate(user: User) -> Answer:
            asked = {"user_id": user.id} | ({"user_segment": user.segment} if user.segment else {})
            return _answer(document_of(self._http.post(path, json=asked, timeout_s=TIMEOUT_S)), self.place(flag))

        return evaluate

    def place(self, flag: str) -> str:
        """Returns the request of an evaluation."""
        return f"POST {self._address}{filled(self._evaluate, flag)}"


def _names(status: Mapping[str, Any]) -> list[str]:
    """The flags that a status lists, as an object by name, or a list of names or of objects with a name."""
    flags = status.get("flags")
    if isinstance(flags, dict):
        return list(flags)
    each = [one.get("name") if isinstance(one, dict) else one for one in flags] if isinstance(flags, list) else []
    return [name for name in each if isinstance(name, str)]


def _answer(document: Mapping[str, Any], where: str) -> Answer:
    """Reads `enabled`, a truth value, else `value` or `variant`."""
    variant = document.get("variant")
    for key in ("enabled", "value", "variant"):
        value = document.get(key)
        if isinstance(value, bool) or (key != "enabled" and isinstance(value, (str, int, float))):
            return Answer(value, variant if isinstance(variant, str) else None)
    raise DocumentError(f"{where} answered {shown(dict(document))}, with neither `enabled` nor a variant")
