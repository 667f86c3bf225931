"""Feature flags: definitions, live changes and sticky percentage rollouts."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Percentage = Annotated[float, Field(ge=0, le=100)]


class Rollout(BaseModel):
    """How far a flag is rolled out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: Literal["off", "canary", "gradual", "full", "kill_switch"]
    percentage: Percentage
    user_segments: list[str]


class Flag(BaseModel):
    """One flag, as in `feature_flags/flags.json` and in the answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str
    owner: str
    enabled: bool
    kill_switch: bool
    """Beats everything else: a flag that is killed is off for everybody."""
    rollout: Rollout
    stages: list[Percentage]
    """The percentages of the rollout, in order, the last one 100."""
    opt_in_segments: list[str]
    """Segments that get the feature wholly once `rollout.user_segments` lists them.
    Any other listed segment names an audience that the percentage applies to."""
    environments: list[str]

    @field_validator("stages")
    @classmethod
    def _stages_ascend_to_100(cls, stages: list[float]) -> list[float]:
        if any(low >= high for low, high in pairwise(stages)) or stages[-1:] != [100]:
            raise ValueError("stages must ascend and end with 100")
        return stages


class User(BaseModel):
    """Whom a flag is evaluated for."""

    user_id: str | None = Field(default=None, max_length=200)
    user_segment: str | None = Field(default=None, max_length=100)
    environment: str | None = Field(default=None, max_length=100)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Whether the flag is on for one user, and which rule said so."""

    flag: str
    enabled: bool
    reason: Literal["kill-switch", "disabled", "environment", "segment", "percentage", "no-user-id"]


def bucket(flag: str, user_id: str) -> float:
    """Return the place of a user between 0 and 100, the same in every process.

    The user has the feature while the percentage is above it: a growing percentage
    takes nobody's feature away. The flag's name is hashed too, so that the same
    users are not the canaries of every feature.
    """
    digest = hashlib.sha256(f"{flag}:{user_id}".encode()).digest()
    # 53 bits: all that a float holds, so that the result stays below 100.
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53 * 100


def evaluate(name: str, flag: Flag, user: User) -> Evaluation:
    """Return whether `flag` is on for `user`; a pure function of its arguments."""
    rollout = flag.rollout
    if flag.kill_switch or rollout.strategy == "kill_switch":
        return Evaluation(name, False, "kill-switch")
    if not flag.enabled or rollout.strategy == "off":
        return Evaluation(name, False, "disabled")
    if user.environment is not None and user.environment not in flag.environments:
        return Evaluation(name, False, "environment")
    segment = user.user_segment
    if segment in flag.opt_in_segments and segment in rollout.user_segments:
        return Evaluation(name, True, "segment")
    if rollout.percentage >= 100:
        return Evaluation(name, True, "percentage")
    if user.user_id is None:
        # There is nothing to be sticky about.
        return Evaluation(name, False, "no-user-id")
    return Evaluation(name, bucket(name, user.user_id) < rollout.percentage, "percentage")


def deep_merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `change` laid over it; objects merge, all else replaces."""
    merged = dict(base)
    for key, value in change.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = deep_merge(below, value)
        else:
            merged[key] = value
    return merged


class Flags:
    """The flags of this process. Changes last as long as the process does."""

    def __init__(self, flags: Mapping[str, Flag], *, drifts: bool = False, forgets: bool = False) -> None:
        """Start with `flags`; `drifts` and `forgets` are the faults of these names."""
        self._flags = dict(flags)
        self._drifts = drifts
        self._forgets = forgets

    @classmethod
    def load(cls, path: Path, *, drifts: bool = False, forgets: bool = False) -> Flags:
        """Return the flags in the JSON file `path`."""
        found = json.loads(path.read_text(encoding="utf-8"))["flags"]
        flags = {name: Flag.model_validate(flag) for name, flag in found.items()}
        return cls(flags, drifts=drifts, forgets=forgets)

    def all(self) -> Mapping[str, Flag]:
        """Return every flag under its name."""
        return self._flags

    def change(self, name: str, change: Mapping[str, Any]) -> Flag:
        """Merge `change` into flag `name` and return what it is then.

        Raises:
            KeyError: there is no such flag.
            pydantic.ValidationError: the result would not be a flag; nothing changed.
        """
        merged = deep_merge(self._flags[name].model_dump(), change)
        flag = Flag.model_validate(merged)
        if not self._forgets:
            self._flags[name] = flag
        return flag

    def evaluate(self, name: str, user: User) -> Evaluation:
        """Return whether flag `name` is on for `user`.

        Raises:
            KeyError: there is no such flag.
        """
        if self._drifts and user.user_id is not None:
            drifted = str(random.random())  # a fault, not a secret
            user = user.model_copy(update={"user_id": drifted})
        return evaluate(name, self._flags[name], user)
