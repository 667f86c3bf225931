"""The flags file: strategy, percentage, stages and segments of each flag say the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from readiness.config.flag_rules import EVERYBODY, ROLLED_OUT, stage_problems, strategy_problem
from readiness.static.config_lint.lint import ADVISORY, BLOCKING, mapping, semantic, shown

if TYPE_CHECKING:
    from readiness.static.config_lint.lint import Keys, Lint
    from readiness.static.interface import Hit

CONTRADICTION = semantic(
    "flag-contradiction",
    BLOCKING,
    "No flag contradicts itself",
    "A flag whose strategy says one thing and whose percentage another is rolled out to whom the reader of the file does not"
    " expect.",
    "Correct the one that is wrong; a flag that is off has the percentage 0, a full one 100.",
)
STAGES = semantic(
    "flag-stages",
    BLOCKING,
    "The stages of a rollout rise to 100",
    "The rollout goes through the stages in their order: a step back or a missing end leaves it unfinished.",
    "List them rising, the last one 100: `[10, 25, 50, 75, 100]`.",
)
BETWEEN = semantic(
    "flag-between-stages",
    ADVISORY,
    "Every flag stands on one of its stages",
    "A percentage between two stages was judged by nobody.",
    "Set the percentage to a stage, or add the stage.",
)
SEGMENT = semantic(
    "flag-segment",
    ADVISORY,
    "Segments of a flag fit its percentage",
    "A segment `all` beside a percentage below 100, or a rollout to no segment, reaches others than the percentage says.",
    "Name the segments that the stage is for; `all` belongs to 100 %.",
)
ENVIRONMENT = semantic(
    "flag-environment",
    ADVISORY,
    "A flag that is on names the environments it is for",
    "A flag that is enabled for no environment is off everywhere, whatever else stands there.",
    "Add the environments, or set `enabled: false`.",
)
RULES = (CONTRADICTION, STAGES, BETWEEN, SEGMENT, ENVIRONMENT)


def is_flags_file(value: object) -> bool:
    """Returns whether a document defines flags with a rollout."""
    flags = mapping(value).get("flags")
    return isinstance(flags, dict) and any(isinstance(mapping(flag).get("rollout"), dict) for flag in flags.values())


def flags_file(lint: Lint, document: int, value: object) -> Iterator[Hit]:
    """Yields what in each flag contradicts the rest of it; what the schema says of types is not repeated."""
    for name, flag in mapping(mapping(value).get("flags")).items():
        if isinstance(flag, dict) and isinstance(flag.get("rollout"), dict):
            yield from _flag(lint, document, name, flag)


def _flag(lint: Lint, document: int, name: str, flag: dict[Any, Any]) -> Iterator[Hit]:
    at: Keys = ("flags", name)
    label = f"flag {shown(name)}"
    rollout = flag["rollout"]
    strategy, percentage = rollout.get("strategy"), rollout.get("percentage")
    number = percentage if isinstance(percentage, int | float) and not isinstance(percentage, bool) else None

    def hit(rule: Any, keys: Keys, text: str) -> Hit:
        return lint.hit(rule, (document, (*at, *keys)), f"{label}: {text}", anchor=f"{label}: {text}")

    if number is not None:
        for text in _contradictions(flag, strategy, number):
            yield hit(CONTRADICTION, ("rollout", "percentage"), text)
    if strategy == "kill_switch" and flag.get("kill_switch") is False:
        yield hit(CONTRADICTION, ("kill_switch",), "the strategy is kill_switch and the kill switch is off")
    yield from _stages(hit, flag, strategy, number)
    segments = rollout.get("user_segments")
    if isinstance(segments, list) and strategy in ROLLED_OUT and flag.get("enabled") is True and number is not None:
        if "all" in segments and 0 < number < EVERYBODY:
            yield hit(SEGMENT, ("rollout", "user_segments"), f"the segment all beside {number:g} %")
        elif not segments and number > 0:
            yield hit(SEGMENT, ("rollout", "user_segments"), f"{number:g} % of no segment")
    if flag.get("environments") == [] and flag.get("enabled") is True:
        yield hit(ENVIRONMENT, ("environments",), "it is enabled for no environment")


def _contradictions(flag: dict[Any, Any], strategy: object, number: float) -> Iterator[str]:
    if problem := strategy_problem(strategy, number):
        yield problem
    elif flag.get("enabled") is False and number > 0:
        yield f"it is disabled and the percentage {number:g}, not 0"
    elif not 0 <= number <= EVERYBODY:
        yield f"the percentage is {number:g}, not between 0 and 100"


def _stages(hit: Any, flag: dict[Any, Any], strategy: object, number: float | None) -> Iterator[Hit]:
    stages = flag.get("stages")
    if stages is None:
        if strategy in ROLLED_OUT:
            yield hit(STAGES, ("rollout",), f"it has no stages, and the strategy is {strategy}")
        return
    if not isinstance(stages, list) or not stages or not all(isinstance(each, int | float) for each in stages):
        return
    text = ", ".join(f"{each:g}" for each in stages[:20])
    if problem := next(stage_problems(stages), ""):
        yield hit(STAGES, ("stages",), f"the stages {text} {problem}")
    if strategy in ROLLED_OUT and number and number not in stages:
        yield hit(BETWEEN, ("rollout", "percentage"), f"the percentage {number:g} is none of its stages {text}")
