"""The compliance report generator: `uvicorn service:app --port 8000`.

All behaviour is in the package `compliance_kit` beside this file, and in what the
example services share; here it is only put together from the environment variables.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))  # service_base is there, and not installed

from fastapi import FastAPI

from compliance_kit import SERVICE, VERSION
from compliance_kit.application import create_app
from compliance_kit.faults import OWN
from service_base.application import from_environment, refuse
from service_base.settings import SettingsError, whole_number


def app_from_environment() -> FastAPI:
    """Return the application that the environment variables describe.

    Raises:
        SystemExit: a variable is missing or unreadable; the text names it.
    """
    settings, faults = from_environment(SERVICE, VERSION, faults=OWN)
    try:
        placeholders = whole_number(os.environ, "PLACEHOLDER_CRITICAL_COUNT", 0, least=0)
    except SettingsError as error:
        refuse(error)
    return create_app(settings, faults, placeholders)


app = app_from_environment()
