"""`$ref` in a JSON Schema: to itself, to the specification, and to files in one folder. Never to the network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

MOST_BYTES = 8 * 1024 * 1024


class UnfollowableError(Exception):
    """A reference that cannot be followed."""

    def __init__(self, reference: str, why: str, remedy: str = "") -> None:
        super().__init__(reference, why, remedy)
        self.reference = reference
        self.why = why
        self.remedy = remedy


def validator_of(
    schema: Any, file: Path | None = None, folder: Path | None = None
) -> Callable[[Any], Iterator[ValidationError]]:
    """Returns a function that yields where a document does not satisfy the schema; it raises `UnfollowableError`.

    Args:
        schema: as parsed from JSON.
        file: where it was read from; without it, references to files are not followed.
        folder: where files may be; by default that of `file`.

    Raises:
        jsonschema.SchemaError: it is no JSON Schema.
    """
    from jsonschema.validators import Draft202012Validator, validator_for
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped] # it ships no types
    from referencing import Registry, Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with

    kind = validator_for(schema, default=Draft202012Validator)
    kind.check_schema(schema)
    registry, top = REGISTRY, schema
    files: _Files | None = None
    if file is not None:
        specification = specification_with(kind.META_SCHEMA.get("$schema", ""))
        files = _Files(file.resolve(), (folder or file.parent).resolve(), schema, kind, specification)
        retrieving: Any = Registry(retrieve=files.retrieve)  # type: ignore[call-arg] # mypy does not see attrs' alias
        resource: Any = Resource.from_contents(schema, default_specification=specification)
        registry = REGISTRY.combine(retrieving).with_resource(files.uri, resource)
        if files.id:
            registry = registry.with_resource(files.id, resource)
        top = {"$ref": files.uri}

    def errors(document: Any) -> Iterator[ValidationError]:
        try:
            yield from kind(top, registry=registry).iter_errors(document)
        except Unresolvable as error:
            if files is not None and files.failure is not None:
                raise files.failure from None
            raise UnfollowableError(str(error.ref), "which is not in it") from None

    return errors


class _Files:
    """The files that a schema may refer to."""

    def __init__(self, file: Path, folder: Path, schema: Any, kind: Any, specification: Any) -> None:
        given = schema.get("$id") or schema.get("id") if isinstance(schema, dict) else None
        self.id = given.rstrip("#") if isinstance(given, str) and urlsplit(given).scheme else ""
        self.uri = file.as_uri()
        self.failure: UnfollowableError | None = None
        """Why the last reference could not be followed: the libraries pass on that it could not, and not why."""
        self._file = file
        self._folder = folder
        self._kind = kind
        self._specification = specification

    def retrieve(self, uri: str) -> Any:
        """Returns the schema in the file that the URI means."""
        try:
            return self._retrieve(uri)
        except UnfollowableError as failure:
            self.failure = failure
            raise

    def _retrieve(self, uri: str) -> Any:
        from jsonschema.exceptions import SchemaError
        from jsonschema.validators import validator_for
        from referencing import Resource

        path = self._path_of(uri)
        try:
            with path.open("rb") as stream:
                text = stream.read(MOST_BYTES + 1)
        except OSError as error:
            raise UnfollowableError(
                self._shown(path), f"which cannot be read: {error.strerror}", "Correct it."
            ) from None
        try:
            contents: Any = json.loads(text) if len(text) <= MOST_BYTES else None
            if not isinstance(contents, (dict, bool)):
                raise UnfollowableError(self._shown(path), "which is no JSON Schema", "Correct the file.")
            kind: Any = validator_for(contents, default=self._kind)
            kind.check_schema(contents)
        except (ValueError, RecursionError):
            raise UnfollowableError(self._shown(path), "which is not JSON", "Correct the file.") from None
        except SchemaError as error:
            why = f"which is not a valid JSON Schema: {error.message[:200]}"
            raise UnfollowableError(self._shown(path), why, "Correct the file.") from None
        return Resource.from_contents(contents, default_specification=self._specification)

    def _path_of(self, uri: str) -> Path:
        """Returns the file that a URI means: by itself, or by its place beside the `$id` of the schema."""
        beside = urljoin(self.id, ".")
        if self.id and uri.startswith(beside):
            uri = urljoin(self.uri, uri.removeprefix(beside))
        parts = urlsplit(uri)
        if parts.scheme != "file":
            where = f"Put a copy into {self._file.parent}, and refer to it by its name."
            raise UnfollowableError(uri, "which is not fetched: a check reads no schema from the network", where)
        path = Path(unquote(parts.path)).resolve()
        if not path.is_relative_to(self._folder):
            raise UnfollowableError(
                str(path), f"which is outside of {self._folder}", "Move it into the configuration's folder."
            )
        return path

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self._folder))
