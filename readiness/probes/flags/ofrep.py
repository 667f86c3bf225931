"""Flags behind the OpenFeature Remote Evaluation Protocol.

Source: https://github.com/open-feature/protocol, service/openapi.yaml. The protocol evaluates and defines nothing:
what a flag should reach comes from the configuration, or from a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError, shown
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
from readiness.probes.flags.replies import TIMEOUT_S, admitted, answered, document_of

if TYPE_CHECKING:
    from readiness.probes.flags.file import FileSource
    from readiness.probes.http import HttpProbe
    from readiness.probes.reply import Reply

EVALUATE = "/ofrep/v1/evaluate/flags/{flag}"
SOMEBODY = User("readiness-1")
_VALUES = (bool, str, int, float, dict, list)
_BULK_END = "/{flag}"


class OfrepSource:
    """Asks a flag management system that speaks OFREP.

    Args:
        http: where it is.
        evaluate: path of a single evaluation, with `{flag}`.
        file: the definitions in the repository, if there are.
        address: of the service, as messages show it.
    """

    in_flight = 8

    def __init__(
        self, http: HttpProbe, *, evaluate: str | None = None, file: FileSource | None = None, address: str = ""
    ) -> None:
        self._http = http
        self._address = address
        self._evaluate = evaluate or EVALUATE
        self._file = file

    def reach(self) -> None:
        """The service can be reached."""
        self._http.reach()

    def service(self) -> ServiceObservation:
        """Returns how the bulk evaluation answers, which evaluates every flag at once."""
        reply = admitted(self._ask(self._evaluate.removesuffix(_BULK_END), SOMEBODY))
        if reply.status != HTTPStatus.OK:
            return ServiceObservation(reply.where, reply.status, (answered(reply),), 0)
        flags = document_of(reply).get("flags")
        if not isinstance(flags, list):
            return ServiceObservation(reply.where, reply.status, (f"/flags: {shown(flags)} is no list",), 0)
        complaints = [problem for index, flag in enumerate(flags) for problem in _bulk_problems(index, flag)]
        return ServiceObservation(reply.where, reply.status, tuple(complaints), len(flags))

    def definitions(self, required: Sequence[str]) -> DefinitionsObservation:
        """Returns what the file defines."""
        if self._file is None:
            raise NotMeasured("OFREP tells no definitions", "Name the file that holds them, as file in [flags].")
        return self._file.definitions(required)

    def definition(self, flag: str) -> Definition | None:
        """Returns what the file defines; None where there is no file, or the flag is not in it."""
        return self._file.definition(flag) if self._file is not None else None

    def presence(self, flag: str) -> PresenceObservation:
        """Returns whether the service knows the flag."""
        reply = self._ask(filled(self._evaluate, flag), SOMEBODY)
        if reply.status == HTTPStatus.NOT_FOUND:
            return PresenceObservation(False, reply.where, f"answered 404: {reply.excerpt}")
        if reply.status in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST):  # what is wrong with the context, the flag exists
            return PresenceObservation(True, reply.where)
        raise NotMeasured(answered(reply), "Read the log of the flag service.")

    def evaluator(self, flag: str) -> Evaluate:
        """Returns what asks the service."""
        path = filled(self._evaluate, flag)

        def evaluate(user: User) -> Answer:
            return _answer(flag, document_of(self._ask(path, user)), self.place(flag))

        return evaluate

    def place(self, flag: str) -> str:
        """Returns the request of an evaluation."""
        return f"POST {self._address}{filled(self._evaluate, flag)}"

    def _ask(self, path: str, user: User) -> Reply:
        context = {"targetingKey": user.id} | ({"user_segment": user.segment} if user.segment else {})
        return self._http.post(path, json={"context": context}, timeout_s=TIMEOUT_S)


def _answer(flag: str, document: Mapping[str, Any], where: str) -> Answer:
    if "errorCode" in document:
        raise DocumentError(f"{where} answered 200 with the error {shown(document['errorCode'])}")
    if document.get("key", flag) != flag:
        raise DocumentError(f"{where} answered about another flag: {shown(document['key'])}")
    value, variant = document.get("value"), document.get("variant")
    if not isinstance(value, _VALUES):
        reason = document.get("reason")
        said = f", with the reason {shown(reason)}" if reason is not None else ""
        raise DocumentError(f"{where} answered without a value{said}: the caller's own default decides")
    if variant is not None and not isinstance(variant, str):
        raise DocumentError(f"{where} answered with the variant {shown(variant)}, which is no text")
    return Answer(value, variant)


def _bulk_problems(index: int, flag: Any) -> list[str]:
    """Returns how an entry of a bulk evaluation breaks the protocol."""
    if not isinstance(flag, dict) or not isinstance(flag.get("key"), str):
        return [f"/flags/{index}: {shown(flag)} has no key"]
    if "errorCode" in flag:
        details = flag.get("errorDetails")
        return [f"{flag['key']}: error {flag['errorCode']}{f', {details}' if details else ''}"]
    return []  # without a value, the caller's own default decides: the protocol allows that
