"""What a placeholder does to the release: it depends on the file it stands in and on the environment under judgement."""

from __future__ import annotations

import re

from readiness.model import FindingSeverity
from readiness.static.paths import PathClass, environment_of, path_class
from readiness.static.placeholders.names import word_set

AT_HOME = word_set(
    "local localhost dev devel develop development sandbox playground laptop container containers docker embedded"
)
"""Environments of a developer, by a part of their name: there a placeholder warns."""
_NOT_SHIPPED = frozenset({"development", "test", "ci", "local", "sandbox", "preview"})
"""Environments whose files no release uses."""
_CI = re.compile(
    r"(?:^|/)(?:\.github|\.circleci|\.gitlab|\.gitea|\.forgejo|\.buildkite|\.devcontainer)/|(?:^|/)(?:\.gitlab-ci[^/]*\.ya?ml|azure-pipelines[^/]*\.ya?ml|\.travis\.yml|bitbucket-pipelines\.yml|\.drone\.yml|tox\.ini|noxfile\.py)$"
)
_I18N = re.compile(
    r"(?:^|/)(?:locales?|i18n|l10n|lang|langs|languages?|translations?|nls)(?:/|[._-]|$)|(?:^|/)(?:strings|messages)(?:[._-][a-z]{2}(?:[_-][a-z]{2,4})?)?\.(?:json|ya?ml|toml|properties)$|[._][a-z]{2}(?:[-_][A-Z]{2})\.json$"
)

_RUNNER = re.compile(
    r"^(?:playwright|cypress|vitest|jest|karma|wdio|nightwatch|testcafe|protractor|codecept)(?:[.-][\w.-]*)?\.(?:config|conf|setup|json)\b"
)
_BUILT = frozenset({"_next", "webpack", "chunks", "_app", "bundles", "bundled"})
"""Folders of what a bundler has made."""
_PARTS = re.compile(r"[-_.]+")
_TEST_WORDS = frozenset({"test", "tests", "unittest", "unittests"})
_EXAMPLE_WORDS = frozenset(
    {"example", "examples", "sample", "samples", "demo", "cookiecutter", "scaffold", "boilerplate", "skeleton"}
)


def is_strict(environment: str) -> bool:
    """Returns whether placeholders block in an environment: in all but a developer's own."""
    return AT_HOME.isdisjoint(re.split(r"[-_.]+", environment.lower()))


def is_translation(path: str) -> bool:
    """Returns whether the file holds words of a user interface, where `password: password` is a translation."""
    return bool(_I18N.search(path))


def kind_of(path: str) -> PathClass:
    """Returns the class of a file: also where a part of a name says that it is an example or a test's."""
    kind = path_class(path)
    if not kind.ships:
        return kind
    *folders, name = path.lower().split("/")
    if not _BUILT.isdisjoint(folders):
        return PathClass.GENERATED
    if "molecule" in folders or _RUNNER.match(name) or not _TEST_WORDS.isdisjoint(_PARTS.split(name.partition(".")[0])):
        return PathClass.TESTS
    if any(not _EXAMPLE_WORDS.isdisjoint(_PARTS.split(part)) for part in (*folders, name)):
        return PathClass.EXAMPLES
    return kind


class Weight:
    """How the findings of one file are weighed.

    Args:
        path: of the file.
        environment: under judgement.
        strict: whether its placeholders block.
        is_runbook: the file is one, wherever it lies.
        is_sample: the file is copied and filled in, by its content.
    """

    def __init__(
        self, path: str, environment: str, *, strict: bool, is_runbook: bool = False, is_sample: bool = False
    ) -> None:
        kind = kind_of(path)
        if is_sample and kind.ships:
            kind = PathClass.EXAMPLES
        self.kind = PathClass.PRODUCTION if is_runbook and kind is PathClass.DOCS else kind
        self._of = environment_of(path)
        self._is_ci = bool(_CI.search(path))
        self._environment = environment_of(f".env.{environment}") or environment.lower()
        self._strict = strict

    @property
    def ships(self) -> bool:
        """True where the file is part of what is released."""
        return self.kind.ships and not self._is_ci

    @property
    def is_production(self) -> bool:
        """True where the file is named after production."""
        return self._of == "production"

    def severity(self, *, is_critical: bool) -> FindingSeverity:
        """Returns what a finding does to its check."""
        if not self.kind.ships:
            return FindingSeverity.INFORMATION
        if not is_critical or not self._strict or self._is_ci:
            return FindingSeverity.ADVISORY
        if self._of in _NOT_SHIPPED or (self._of not in (None, "production") and self._of != self._environment):
            return FindingSeverity.ADVISORY  # what another environment runs with
        return FindingSeverity.BLOCKING
