"""`report.html`: one file, no script, no request; a release manager reads it in ten seconds, an engineer to the end."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.config.cache import cache_folder
from readiness.reports.interface import Document, Writer

if TYPE_CHECKING:
    from jinja2 import BytecodeCache, Template
    from jinja2.bccache import Bucket

_FOLDER = Path(__file__).parent


def render(document: Document, base: str = "") -> bytes:
    """Returns the page.

    Args:
        document: content of `report.json`.
        base: way from the report's folder to the repository, such as `../..`; runbooks named by a relative path are
            links only where it is known.
    """
    from readiness.reports.html.view import page_of

    style = _style()
    text = _template().render(page=page_of(document, base), style=style, policy=content_security_policy(style))
    return text.encode()


def content_security_policy(style: str) -> str:
    """Returns the policy of a page with this style: it may load nothing, run nothing and send nothing.

    An icon in a `data:` address is allowed, since without one a browser asks the server for `/favicon.ico`.
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


@lru_cache(maxsize=1)
def _style() -> str:
    return (_FOLDER / "report.css").read_text("utf-8")


def _bytecode_cache() -> BytecodeCache | None:
    """Returns where the compiled template is kept: compiling it takes longer than all the rest of the page."""
    import jinja2

    class KeptTemplate(jinja2.FileSystemBytecodeCache):
        """What cannot be read or kept is compiled again: a full disk or a half-written file costs time, not a report."""

        def load_bytecode(self, bucket: Bucket) -> None:
            try:
                super().load_bytecode(bucket)
            except (OSError, EOFError, ValueError, TypeError):
                bucket.reset()

        def dump_bytecode(self, bucket: Bucket) -> None:
            with contextlib.suppress(OSError):
                super().dump_bytecode(bucket)

    folder = cache_folder(os.environ) / "templates"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It is loaded as code: only from a folder that is ours, and that nobody else can write.
        state = folder.stat()
        is_ours = state.st_uid == os.getuid() and not state.st_mode & 0o022 and os.access(folder, os.W_OK)
    except OSError:
        return None
    return KeptTemplate(str(folder)) if is_ours else None


@lru_cache(maxsize=1)
def _template() -> Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        bytecode_cache=_bytecode_cache(),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.jinja")


WRITER = Writer("report.html", render)
