"""Dockerfiles: what an image is built from, and what is built into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.static.config_lint import containers
from readiness.static.config_lint.lint import ADVISORY, INFORMATION, semantic, shown
from readiness.static.config_lint.naming import is_literal, is_secret_name

if TYPE_CHECKING:
    from readiness.static.config_lint.lint import Lint
    from readiness.static.interface import Hit

BUILT_IN = semantic(
    "image-secret",
    ADVISORY,
    "No secret is built into an image",
    "Who can pull the image can read its environment and every layer of it, whatever a later instruction removes.",
    "Give it at run time, or at build time with `RUN --mount=type=secret`.",
    "https://docs.docker.com/build/building/secrets/",
)
RULES = (BUILT_IN,)

LARGEST = 1_000_000
"""Characters; a longer file is no Dockerfile."""
_PATH = re.compile(r"(?:^|/)(?:[\w-]+\.)?(?:Dockerfile|Containerfile)(?:\.[\w-]+)?$")
_INSTRUCTION = re.compile(r"[ \t]*(FROM|ENV|ARG)[ \t]+(.{1,5000})", re.IGNORECASE)
_FROM = re.compile(r"(?:--\w+=\S+[ \t]+)*(\S+)(?:[ \t]+AS[ \t]+(\S+))?", re.IGNORECASE)
_PAIR = re.compile(r"(?:^|(?<=[ \t]))([A-Za-z_]\w{0,200})=(\"[^\"]{0,1000}\"|'[^']{0,1000}'|[^ \t]{0,1000})")


def is_dockerfile(path: str) -> bool:
    """Returns whether a file says how an image is built, by its name."""
    return bool(_PATH.search(path))


def instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """Yields line, name and arguments of each FROM, ENV and ARG; a line that ends in a backslash goes on."""
    held, start = "", 0
    for number, line in enumerate(text[:LARGEST].splitlines(), start=1):
        if held and line.lstrip().startswith("#"):
            continue
        start = start if held else number
        if line.rstrip().endswith("\\") and len(held) < 20_000:  # noqa: PLR2004 - no instruction is that long
            held += line.rstrip()[:-1] + " "
            continue
        found = _INSTRUCTION.match(held + line)
        held = ""
        if found:
            yield start, found[1].upper(), found[2].strip()


def variables(arguments: str) -> Iterator[tuple[str, str]]:
    """Yields names and values of an ENV or ARG, in both of its forms."""
    pairs = _PAIR.findall(arguments)
    if not pairs:
        name, _, value = arguments.partition(" ")
        pairs = [(name, value.strip())]
    for name, value in pairs:
        yield name, value.strip("\"'")


def dockerfile(lint: Lint) -> Iterator[Hit]:
    """Yields what is wrong with the bases and the variables of an image. A build warns: what it made has a tag of its own."""
    stages: set[str] = set()
    for line, name, arguments in instructions(lint.source.text):
        if name == "FROM":
            found = _FROM.match(arguments)
            if found and found[1].lower() not in stages:
                for rule, severity, text, anchor in containers.image_problems("the build", found[1]):
                    weight = ADVISORY if rule is containers.TAG else severity
                    yield lint.hit_in_line(rule, (line, 1), text, excerpt=found[1], severity=weight, anchor=anchor)
            if found and found[2]:
                stages.add(found[2].lower())
            continue
        for key, value in variables(arguments):
            if is_secret_name(key) and is_literal(value):
                text = f"{shown(key)} is built into the image with a literal value"
                weight = ADVISORY if name == "ENV" else INFORMATION
                excerpt = f"{name} {key}=***"
                yield lint.hit_in_line(BUILT_IN, (line, 1), text, excerpt=excerpt, severity=weight, anchor=key)
