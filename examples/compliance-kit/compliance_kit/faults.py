"""The faults that only this service has, besides those that every service of the examples can have."""

from __future__ import annotations

from collections.abc import Mapping

from service_base.faults import OF_HEALTH, OF_SERVERS, Fault, duration_s, ratio

OWN: Mapping[str, Fault] = {
    "flags-500": Fault("every request under /feature-flags answers 500"),
    "flags-drift": Fault("a flag is evaluated anew for every request, not per user"),
    "flags-forgets": Fault("a change of a flag is acknowledged and ignored"),
    "errors": Fault("this share of the requests to /evaluate answers 500", ratio),
    "slow-evaluate": Fault("/evaluate answers after this long", duration_s),
}

KNOWN: Mapping[str, Fault] = {**OF_HEALTH, **OF_SERVERS, **OWN}
