"""Which servers an address stands for: one, the primary that Sentinels name, or the primaries of a cluster."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

from readiness.config.redis_address import HIGHEST_PORT, shown
from readiness.errors import NotMeasured
from readiness.probes.redis_link import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from readiness.config.redis_address import Place, RedisAddress
    from readiness.probes.interface import Budget

SLOTS = 16384
MOST_PRIMARIES = 1000
Slots = frozenset[int]


class Nodes:
    """The servers that hold the data, each with its connection; found anew after one of them was lost.

    Args:
        address: of one server, of Sentinels or of a cluster.
        timeout_s: bound of each connection and each command.
        budget: seconds left of the whole run.
    """

    def __init__(self, address: RedisAddress, timeout_s: float, budget: Budget) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._budget = budget
        self._links: dict[Place | None, Link] = {}
        self._guides: dict[Place, Link] = {}
        self._current: tuple[Link, ...] = ()
        self._slots: dict[Place | None, Slots] = {}

    def links(self) -> tuple[Link, ...]:
        """Returns the servers, at least one, each connected.

        Raises:
            NotMeasured: they could not be found, or one of them could not be reached.
        """
        find = {"single": self._single, "sentinel": self._primary, "cluster": self._primaries}[self._address.kind]
        if not self._current or not all(link.is_open for link in self._current):
            self._current = find()
        for link in self._current:
            link.open()
        return self._current

    def slots_of(self, link: Link) -> Slots | None:
        """Returns the slots of a cluster that a server holds; None where the address is not that of a cluster."""
        return self._slots.get(link.address.hosts[0]) if link.address.hosts else None

    def close(self) -> None:
        """All connections are closed."""
        for link in self._links.values():
            link.close()
        self._current = ()

    # --- parts ----------------------------------------------------------------------------------------------------

    def _link(self, address: RedisAddress, name: str = "") -> Link:
        place = address.hosts[0] if address.hosts else None
        if place not in self._links:
            self._links[place] = Link(address, self._timeout_s, self._budget, name)
        return self._links[place]

    def _guide(self, place: Place, address: RedisAddress, timeout_s: float, name: str = "") -> Link:
        """Returns the connection to a server that is only asked for others; kept, as it remembers a silence."""
        if place not in self._guides:
            self._guides[place] = Link(address, timeout_s, self._budget, name)
        return self._guides[place]

    def _single(self) -> tuple[Link, ...]:
        return (self._link(self._address),)

    def _primary(self) -> tuple[Link, ...]:
        """Returns the primary that the first Sentinel names which knows it."""
        place = self._first_answer(self._ask_sentinel)
        address = self._address.at(place)
        link = self._link(address, f"{address}, primary of {self._address.service}")
        role = link.info().text("role")
        if role != "master":
            cause = f"{link.where} says of itself that it is a {'replica' if role == 'slave' else role[:60]}"
            raise NotMeasured(cause, "A failover may be under way: look at SENTINEL MASTER, and run again after it.")
        return (link,)

    def _ask_sentinel(self, place: Place, timeout_s: float) -> Place:
        service = self._address.service
        tls = " over TLS" if self._address.is_tls else ""
        name = f"Sentinel{tls} at {shown(*place)}"
        sentinel = self._guide(place, self._address.sentinel(place), timeout_s, name)
        try:
            answer = sentinel.read("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
        finally:
            sentinel.close()
        if answer is None:
            cause = f"{sentinel.where} knows no service {service}"
            raise NotMeasured(cause, "Compare the name in redis.url with what SENTINEL MASTERS lists.")
        match answer:
            case [bytes() as host, bytes() as port]:
                return _place(host, int(port) if port.isdigit() else 0, place, sentinel.where)
        raise NotMeasured(f"{sentinel.where} answered with something else than an address", "Check what listens there.")

    def _primaries(self) -> tuple[Link, ...]:
        """Returns the primaries that hold slots, as the first node says that answers."""
        self._slots = self._first_answer(self._ask_node)
        return tuple(self._link(self._address.at(place)) for place in self._slots if place is not None)

    def _ask_node(self, place: Place, timeout_s: float) -> dict[Place | None, Slots]:
        node = self._guide(place, self._address.at(place), timeout_s)
        try:
            answer = node.read("CLUSTER", "SLOTS")
        finally:
            node.close()
        found: dict[Place | None, set[int]] = {}
        for first, last, host, port in _ranges(answer, node.where):
            found.setdefault(_place(host, port, place, node.where), set()).update(range(first, last + 1))
        if not found:
            remedy = "Assign them: redis-cli --cluster check HOST:PORT."
            raise NotMeasured(f"{node.where} knows no node that holds slots of the cluster", remedy)
        if len(found) > MOST_PRIMARIES:
            raise NotMeasured(f"{node.where} names more than {MOST_PRIMARIES} primaries", "Check what listens there.")
        return {place: frozenset(slots) for place, slots in found.items()}

    def _first_answer(self, ask: Callable[[Place, float], Any]) -> Any:
        """Returns what the first of the hosts says that says anything; each gets its part of the time."""
        failures: list[NotMeasured] = []
        hosts = self._address.hosts
        for place in hosts:
            try:
                return ask(place, self._timeout_s / len(hosts))
            except NotMeasured as failure:
                failures.append(failure)
        if len(failures) == 1:
            raise failures[0]
        causes = "; ".join(failure.cause for failure in failures)
        raise NotMeasured(f"none of {len(hosts)} hosts in redis.url could be asked: {causes}", failures[0].remedy)


def slot_of(key: str) -> int:
    """Returns the slot of a cluster that a key without braces belongs to.

    Source: Redis Cluster specification: CRC16 (XMODEM) modulo 16384.
    """
    return binascii.crc_hqx(key.encode(), 0) % SLOTS


def _ranges(answer: Any, where: str) -> Iterator[tuple[int, int, bytes | None, int]]:
    """Yields first and last slot, host and port of each primary, as CLUSTER SLOTS answers."""
    strange = NotMeasured(f"{where} answered CLUSTER SLOTS with something else", "Check what listens there.")
    if not isinstance(answer, list):
        raise strange
    for each in answer:
        match each:
            case [int(first), int(last), [(bytes() | None) as host, int(port), *_], *_] if 0 <= first <= last < SLOTS:
                yield first, last, host, port
            case _:
                raise strange


def _place(host: bytes | None, port: int, asked: Place, where: str) -> Place:
    """Returns a place that a server has named; one that it does not know is where it was asked itself."""
    name = (host or b"").decode("utf-8", "replace")
    if not 1 <= port <= HIGHEST_PORT or name == "?" or any(letter.isspace() for letter in name):
        remedy = "Set replica-announce-ip or cluster-announce-ip and their ports on the server."
        raise NotMeasured(f"{where} names an address that cannot be used", remedy)
    return (name or asked[0], port)
