"""What is installed beside pytest: the environment that is judged is the one that judges."""

from __future__ import annotations

from importlib import metadata

from readiness.static.dependencies.interface import INSTALLED, Inventory, Open, Pin, normalised


def read_installed(inventory: Inventory) -> None:
    """What is installed is in the inventory."""
    seen: set[tuple[str, str]] = set()
    for distribution in metadata.distributions():
        name, version = _told(distribution)
        if not name or not version:
            folder = str(getattr(distribution, "_path", "")).replace("\\", "/").rpartition("/")[2]
            label = folder or "a package"
            inventory.open.append(Open("", label, INSTALLED, 0, "its metadata has no name or no version"))
        elif (normalised(name), version) not in seen:
            seen.add((normalised(name), version))
            inventory.pins.append(Pin(normalised(name), version, f"{INSTALLED}/{normalised(name)}", 0))


def _told(distribution: metadata.Distribution) -> tuple[str | None, str | None]:
    try:
        # a broken installation: METADATA is missing, so that there is None where the types promise text
        told = distribution.metadata
        return (told["Name"], told["Version"]) if told is not None else (None, None)
    except (KeyError, OSError, ValueError):
        return None, None
