"""What the rules about meaning and drift have to know of the run, besides the file."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from readiness.static.paths import PathClass, path_class


@dataclass(frozen=True, slots=True)
class Options:
    """Which environment is judged, and what the user says of folders of their own."""

    environment: str = ""
    """Its name in the configuration; empty where none is judged."""
    is_production: bool = False
    """Whether that is production, so that files without an environment in their names count as production's."""
    classes: tuple[tuple[str, PathClass], ...] = ()
    """Patterns of paths with the class of what they match, before what the name says; the first that fits."""

    def class_of(self, path: str) -> PathClass:
        """Returns the class of a file by its path."""
        return next((kind for pattern, kind in self.classes if fnmatchcase(path, pattern)), path_class(path))
