"""Server versions held against a range such as `>=14,<19`."""

from __future__ import annotations

import re

from readiness.errors import NotMeasured


def satisfies(version: str, requirement: str) -> bool:
    """Returns whether a server's version lies in the range.

    Args:
        version: as the server says it: `18.1`, `17.2 (Debian 17.2-1.pgdg120+1)`, `19beta1`, `7.2.4`, `v1.2`. What
            follows the number is the packager's and is left out; a beta comes before its release.
        requirement: version specifiers, such as `>=14` or `>=6,<8`; several must all hold.

    Raises:
        NotMeasured: the text of the server holds no version.
        ValueError: the requirement is not one.

    Source: PyPA version specifiers. `==14` and `<=14` mean 14.0: write `>=14,<15` for every 14.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import Version

    found = re.match(r"\s*v?(\d+(?:\.\d+)*)\s*((?:alpha|beta|rc|devel|dev)\d*)?", version, re.IGNORECASE)
    if found is None:
        raise NotMeasured(
            f"the server calls its version {version[:60]!r}, in which there is no number",
            "Ask the server for its version by hand; a proxy in between may have changed it.",
        )
    suffix = (found[2] or "").lower().replace("devel", "dev")
    try:
        specifiers = SpecifierSet(requirement)
    except InvalidSpecifier:
        raise ValueError(f"{requirement!r} is not a version range such as '>=14' or '>=6,<8'") from None
    return specifiers.contains(Version(found[1] + suffix), prereleases=True)
