"""What holds of every container, whoever starts it: which image, and with which rights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from readiness.static.config_lint.lint import ADVISORY, BLOCKING, INFORMATION, mapping, semantic, shown

if TYPE_CHECKING:
    from readiness.model import FindingSeverity
    from readiness.static.config_lint.lint import Keys, Lint
    from readiness.static.interface import Hit, Rule

TAG = semantic(
    "image-tag",
    BLOCKING,
    "Every image names the version that runs",
    "Without a tag, or with `latest`, the next restart may start another version than the one that was judged, and a rollback"
    " has nothing to go back to.",
    "Name the version: `image: name:1.4.2`, or its digest.",
    "https://kubernetes.io/docs/concepts/containers/images/#image-names",
)
DIGEST = semantic(
    "image-digest",
    INFORMATION,
    "Images are pinned by digest",
    "A tag can be moved to another image; a digest cannot.",
    "Add the digest: `image: name:1.4.2@sha256:...`.",
    "https://kubernetes.io/docs/concepts/containers/images/#image-names",
)
PRIVILEGED = semantic(
    "privileged",
    BLOCKING,
    "No container is privileged",
    "A privileged container is root on its host: whoever breaks into it owns every other workload there.",
    "Remove `privileged: true`; add the single capability or device that is needed.",
    "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
)
RULES = (TAG, DIGEST, PRIVILEGED)

MOST_IMAGE = 500
"""Characters of an image's name."""
MOVING = frozenset({"latest", "stable", "edge", "nightly", "main", "master", "dev", "develop", "current"})
"""Tags that mean another image every time; those but `latest` are now and then meant, and only warn."""
_VARIABLE = re.compile(r"\$\{|\$\(|\$[A-Za-z_]|\{\{|%\(|<[A-Za-z]")
_DEFAULT = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]{0,100}:?-([^${}]{0,200})\}")


@dataclass(frozen=True, slots=True)
class Image:
    """The parts of an image's name."""

    name: str
    tag: str
    digest: str

    @classmethod
    def of(cls, text: str) -> Image:
        """Returns the parts; the port of a registry is no tag."""
        rest, _, digest = text.partition("@")
        head, slash, last = rest.rpartition("/")
        name, _, tag = last.partition(":")
        return cls(head + slash + name, tag, digest)

    @property
    def moves(self) -> bool:
        """Whether it is another image tomorrow."""
        return not self.digest and (not self.tag or self.tag.lower() in MOVING)


def expanded(text: str) -> str | None:
    """Returns the text with `${X:-default}` replaced by its defaults; None where something unknown is left in it."""
    text = _DEFAULT.sub(r"\1", text[:MOST_IMAGE])
    return None if _VARIABLE.search(text) else text


def image_of(value: object) -> Image | None:
    """Returns the image; None where it is none, or a variable says which."""
    if not isinstance(value, str) or not value.strip() or value == "scratch":
        return None
    text = expanded(value.strip())
    return Image.of(text) if text else None


def image_hits(lint: Lint, at: tuple[int, Keys], owner: str, value: object) -> Iterator[Hit]:
    """Yields what is wrong with the version of a container's image.

    Args:
        lint: of the file.
        at: where the image stands.
        owner: whose it is, such as `container api of Deployment web`.
        value: what stands there.
    """
    for rule, severity, text, anchor in image_problems(owner, value):
        yield lint.hit(rule, at, text, excerpt=str(value), severity=severity, anchor=anchor)


def image_problems(owner: str, value: object) -> Iterator[tuple[Rule, FindingSeverity, str, str]]:
    """Yields what is wrong with the version of an image: rule, severity, text and anchor."""
    image = image_of(value)
    if image is None:
        return
    anchor = f"{owner}: {image.name}:{image.tag}"
    if image.moves:
        which = f"the tag {shown(image.tag)}, which moves" if image.tag else "no tag"
        severity = BLOCKING if image.tag in ("", "latest") else ADVISORY
        yield TAG, severity, f"the image {shown(image.name)} of {owner} has {which}", anchor
    elif not image.digest:
        text = f"the image {shown(image.name)}:{shown(image.tag)} of {owner} has no digest"
        yield DIGEST, INFORMATION, text, anchor


def privileged_hits(lint: Lint, at: tuple[int, Keys], owner: str, holder: object) -> Iterator[Hit]:
    """Yields that a container is privileged, if the mapping that says so does; `at` is the mapping's place."""
    if mapping(holder).get("privileged") is True:
        document, keys = at
        text = f"{owner} is privileged"
        yield lint.hit(PRIVILEGED, (document, (*keys, "privileged")), text, excerpt="privileged: true", anchor=text)
