"""What of a flag is changed, what it is changed to, and whether it is so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from readiness.config.flag_rules import EVERYBODY, ROLLED_OUT
from readiness.probes.flags.interface import SampleObservation
from readiness.probes.flags.journal import Entry

LADDER = (10.0, 50.0)
"""The two percentages for a flag that reaches nobody, or everybody."""
ENOUGH = 5
"""A percentage that reaches fewer of the sample says little about whom a higher one takes out."""
NEARLY_ALL = 90.0


def is_left(entry: Entry, current: Mapping[str, Any]) -> bool:
    """Whether a flag is as a run has left it, and not as it was found.

    Segments are not compared with what was sent: a service may keep them in another order.
    """
    return not is_same(current, entry.found) and any(_scalars(current) == _scalars(state) for state in entry.states)


def settings_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what of a definition is changed here; the rest is neither sent nor touched."""
    rollout = document["rollout"]
    return {
        "enabled": document["enabled"],
        "kill_switch": document["kill_switch"],
        "rollout": {key: rollout[key] for key in ("strategy", "percentage", "user_segments")},
    }


def was_sampled_so(sample: SampleObservation, document: Mapping[str, Any]) -> bool:
    """Whether the sample was taken while the flag was as it is."""
    then = sample.definition
    return (
        then is not None and then.percentage is not None and is_same(settings_of(then.document), settings_of(document))
    )


def _scalars(settings: Mapping[str, Any]) -> tuple[object, ...]:
    rollout = settings["rollout"]
    return settings["enabled"], settings["kill_switch"], rollout["strategy"], rollout["percentage"]


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two settings are the same, in whatever order their segments are."""
    segments = [sorted(each["rollout"]["user_segments"]) for each in (one, other)]
    return _scalars(one) == _scalars(other) and segments[0] == segments[1]


def segments_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns every segment that the definition names."""
    return tuple(dict.fromkeys((*document["rollout"]["user_segments"], *document.get("opt_in_segments", ()))))


def steps_of(document: Mapping[str, Any], users: int) -> tuple[float, float, bool]:
    """Returns a percentage, a higher one, and whether the flag is at the first as it was found."""
    rollout = document["rollout"]
    low = rollout["percentage"]
    is_on = document["enabled"] and not document["kill_switch"] and rollout["strategy"] in ROLLED_OUT
    if not is_on or low > NEARLY_ALL or users * low / 100 < ENOUGH:
        return *LADDER, False
    stages = [stage for stage in document.get("stages", ()) if low < stage < EVERYBODY]
    return low, min(stages, default=(low + EVERYBODY) / 2), True


def rolled_out(document: Mapping[str, Any], percentage: float) -> dict[str, Any]:
    """Returns the change that rolls a flag out to a percentage, whatever it was."""
    strategy = document["rollout"]["strategy"]
    return {
        "enabled": True,
        "kill_switch": False,
        "rollout": {"strategy": strategy if strategy in ROLLED_OUT else "gradual", "percentage": percentage},
    }
