"""The compliance report generator: `uvicorn service:app --port 8000`.

All behaviour is in the package `compliance_kit` beside this file; here it is
only put together from the environment variables.
"""

from __future__ import annotations

import os
import sys

from fastapi import FastAPI

from compliance_kit.application import create_app
from compliance_kit.faults import Faults
from compliance_kit.settings import Settings, SettingsError


def app_from_environment() -> FastAPI:
    """Return the application that the environment variables describe.

    Raises:
        SystemExit: a variable is missing or unreadable; the text names it.
    """
    try:
        settings = Settings.from_environment(os.environ)
        faults = Faults.parse(os.environ.get("FAULTS", ""))
    except SettingsError as error:
        # No traceback: whoever starts the service needs the sentence, not ours.
        sys.exit(f"the service does not start: {error}")
    return create_app(settings, faults)


app = app_from_environment()
