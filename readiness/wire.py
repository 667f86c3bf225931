"""Between the model and JSON builtins: the only code that crosses a process or a file.

Reports that travel through pytest-xdist may hold exact builtins only, and text that UTF-8 can carry: a lone
surrogate in an assertion message is enough to make a failing test vanish. So everything passes through
`to_builtins`, which cleans text, and back through `from_builtins`, which refuses unknown shapes.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

T = TypeVar("T")


def clean_text(text: str) -> str:
    """Returns `text` with each lone surrogate replaced by its escaped form, so that UTF-8 can carry it."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def to_builtins(value: object) -> Any:
    """Returns `value` as dicts, lists and JSON scalars; dataclasses by field, NaN and infinities as text.

    Raises:
        TypeError: for a type that JSON cannot carry.
    """
    import msgspec

    return _clean(msgspec.to_builtins(value, str_keys=True))


def _clean(value: Any) -> Any:
    kind = type(value)  # exact: to_builtins has left nothing else
    if kind is str:
        return clean_text(value)
    if kind is dict:
        return {clean_text(key): _clean(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_clean(item) for item in value]
    if kind is float and not math.isfinite(value):
        return str(value)
    return value


def from_builtins(value: Any, shape: type[T]) -> T:
    """Returns the object of type `shape` that `to_builtins` turned into `value`.

    Raises:
        msgspec.ValidationError: where the value has another shape.
    """
    import msgspec

    return msgspec.convert(value, shape)


def to_json(value: object) -> bytes:
    """Returns indented JSON, UTF-8, ending in a line feed."""
    import msgspec

    encoded: bytes = msgspec.json.format(msgspec.json.encode(to_builtins(value)), indent=1)
    return encoded + b"\n"
