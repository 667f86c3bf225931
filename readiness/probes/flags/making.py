"""The probe that a `[flags]` table asks for."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.config.cache import cache_folder
from readiness.config.model import Flags
from readiness.errors import NotMeasured
from readiness.probes.flags.file import FileSource
from readiness.probes.flags.http import HttpSource
from readiness.probes.flags.interface import Source
from readiness.probes.flags.journal import Journal
from readiness.probes.flags.ofrep import OfrepSource
from readiness.probes.flags.probe import FlagsProbe
from readiness.probes.flags.switching import Switching
from readiness.probes.flags.unleash import UnleashSource
from readiness.probes.http import HttpProbe
from readiness.probes.http_address import shown_url

if TYPE_CHECKING:
    from readiness.probes.interface import Budget

RESTORE_S = 30.0
"""What putting a flag back may take, whatever is left of the run."""


def make_flags_probe(
    table: Flags,
    *,
    folder: Path,
    http: HttpProbe | None,
    address: str,
    headers: dict[str, str],
    is_protected: bool,
    budget: Budget,
) -> FlagsProbe:
    """Returns the probe of the table's source.

    Args:
        table: the configuration.
        folder: of the configuration.
        http: the service; None where the environment has none, or the table names a flag service of its own.
        address: of the service; empty where there is none.
        headers: sent with every request to it.
        is_protected: nothing is changed.
        budget: seconds left of the whole run.

    Raises:
        NotMeasured: the source needs an address or a file, and there is none.
    """
    percentages = {flag: share.percent for flag, share in table.percentages.items()}
    file = FileSource(folder, table.file) if table.file else None
    if table.source == "file":
        if file is None:
            raise NotMeasured("[flags] source is a file, and none is named", 'Add file = "flags.json" to [flags].')
        return FlagsProbe(file, sample_users=table.sample_users, percentages=percentages)
    own: list[HttpProbe] = []
    if table.url is not None:
        http = HttpProbe(table.url, {name: value.reveal() for name, value in table.headers.items()}, budget=budget)
        own.append(http)
    if http is None:
        raise NotMeasured("the environment has no service address (url)", "Add it to the environment, or to [flags].")
    shown = shown_url(table.url or address).rstrip("/")
    source = _source(table, http, file, shown)
    journal = switching = None
    if isinstance(source, HttpSource) and table.url is None:
        journal = Journal(cache_folder(os.environ) / "flags", shown, budget)
        if not is_protected:
            restorer = HttpProbe(address, headers, budget=lambda: RESTORE_S)
            own.append(restorer)
            switching = Switching(source, _http_source(table, restorer, None, shown), journal)

    def close() -> None:
        for probe in own:
            with suppress(OSError):
                probe.close()

    return FlagsProbe(
        source,
        sample_users=table.sample_users,
        percentages=percentages,
        switching=switching,
        journal=journal,
        close=close,
    )


def _source(table: Flags, http: HttpProbe, file: FileSource | None, address: str) -> Source:
    makers: dict[str, Callable[[], Source]] = {
        "http": lambda: _http_source(table, http, file, address),
        "ofrep": lambda: OfrepSource(http, evaluate=table.evaluate, file=file, address=address),
        "unleash": lambda: UnleashSource(http, features=table.flag, address=address),
    }
    return makers[table.source]()


def _http_source(table: Flags, http: HttpProbe, file: FileSource | None, address: str) -> HttpSource:
    return HttpSource(http, status=table.status, flag=table.flag, evaluate=table.evaluate, file=file, address=address)
