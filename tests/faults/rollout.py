"""Ways to break a rollout: each is a past that a real Prometheus has been told, so that no run has to wait for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.faults.entry import Fault, failed, unmeasured
from tests.probes import peers
from tests.rollout.told import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.targets import Break, Changes, Targets

HEALTHY = TABLE.format(case="healthy")
DATA, ERRORS, LATENCY, DECISION = (f"rollout/{name}" for name in ("data", "errors", "latency", "decision"))
EVERY = "rollout/*"


def told(case: str, **keys: object) -> Break:
    """The Prometheus speaks of another rollout."""

    @contextmanager
    def breaks(_targets: Targets) -> Iterator[Changes]:
        yield {
            "rollout.canary": f'track="canary",case="{case}"',
            "rollout.baseline": f'track="stable",case="{case}"',
            "rollout.alerts": f'ALERTS{{alertstate="firing",severity="critical",case="{case}"}}',
            **{f"rollout.{key.replace('_', '-')}": value for key, value in keys.items()},
        }

    return breaks


@contextmanager
def gone(_targets: Targets) -> Iterator[Changes]:
    """Nothing listens where Prometheus should be."""
    with peers.refusing() as url:
        yield {"rollout.prometheus": url}


FAULTS: tuple[Fault, ...] = (
    failed(DATA, "no traffic", told("idle"), "no traffic: the canary has had no requests", EVERY),
    unmeasured(DATA, "Prometheus is gone", gone, "refused the connection", EVERY),
    unmeasured(DATA, "no pod of the canary is up", told("down"), "this look brought no counts", EVERY),
    unmeasured(DATA, "unknown labels", told("nowhere"), "nothing is known of the canary", EVERY),
    unmeasured(
        DATA,
        "no counter of errors",
        told("uncounted"),
        "there are requests, but no series of errors_total",
        ERRORS,
        DECISION,
    ),
    unmeasured(DATA, "no baseline", told("alone"), "baseline: none of its targets answered", EVERY),
    failed(ERRORS, "worse than the baseline", told("errors"), "canary 1200 of 24000 bad, baseline 0 of", DECISION),
    failed(ERRORS, "shared incident", told("shared"), "the limit is broken, and in the baseline too", DECISION),
    failed(ERRORS, "too little traffic", told("little"), "of 20 for being below the limit", LATENCY, DECISION),
    failed(LATENCY, "slow", told("slow"), "canary 7200 of 24000 bad, baseline 0 of", DECISION),
    failed(DECISION, "too early", told("healthy", look_back="2m"), "promotion needs 300 s", ERRORS, LATENCY),
    failed(DECISION, "a critical alert", told("alert"), "critical within 10 min of the deployment: LowDisk"),
    failed(DECISION, "an older critical alert", told("old-alert"), "critical alerts fire: LowDisk"),
)
