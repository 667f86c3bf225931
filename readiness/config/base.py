"""What every table of the configuration is built of: its base class and the types of its values."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from readiness.config.quantity import Duration, Ratio, Size

NOT_BLANK = r"\S"


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Base of every table; unknown keys are errors."""


NonEmptyText: TypeAlias = Annotated[str, Meta(pattern=NOT_BLANK)]
"""Text that says something: a space is neither a reason nor an owner, and stands in every text that is searched."""
UrlPath: TypeAlias = Annotated[
    str, Meta(pattern=r"^/(?!/)\S*(?!\s)$", title="path on the service, such as /health, without its host")
]
HttpUrl: TypeAlias = Annotated[
    str, Meta(pattern=r"^https?://[^\s/?#]+\S*(?!\s)$", title="address that starts with http:// or https://")
]
Limit: TypeAlias = Annotated[Duration, Meta(extra_json_schema={"pattern": Duration.positive_pattern()})]
"""A duration above zero."""
Share: TypeAlias = Annotated[Ratio, Meta(extra_json_schema={"pattern": Ratio.share_pattern()})]
"""A ratio of at most 100%: above that a limit could never trip."""
Count: TypeAlias = Annotated[int, Meta(ge=1)]
BodyLimit: TypeAlias = Annotated[Size, Meta(extra_json_schema={"pattern": Size.positive_pattern()})]
HeaderName: TypeAlias = Annotated[str, Meta(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?!\n)$", title="header name")]
MediaType: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Za-z][0-9A-Za-z!#$&^_.+-]*/[0-9A-Za-z!#$&^_.+-]+(?!\n)$", title="media type, as in text/html"
    ),
]
Accepted: TypeAlias = Annotated[list[NonEmptyText], Meta(min_length=1)]
"""What counts as healthy besides the words that are known for it."""
Command: TypeAlias = Annotated[list[NonEmptyText], Meta(min_length=1)]
_RELATION = r"\s*(>=|<=|==|!=|~=|<|>)\s*[0-9]+(\.[0-9]+)*\s*"
VersionRange: TypeAlias = Annotated[
    str, Meta(pattern=f"^{_RELATION}(,{_RELATION})*$", title="version range, such as >=14 or >=6,<8")
]
"""A version requirement such as `>=14` or `>=6,<8`."""
