"""`report.html`: one file, no script, no request; a release manager reads it in ten seconds, an engineer to the end."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.reports.interface import Document, Writer

if TYPE_CHECKING:
    from jinja2 import Template

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


@lru_cache(maxsize=1)
def _template() -> Template:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.jinja")


WRITER = Writer("report.html", render)
