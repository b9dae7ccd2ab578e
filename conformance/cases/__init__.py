"""The checks, one module per subject. Importing this package registers all of them.

Every check is a generator that does no I/O: it yields drafts of requests and receives the exchanges.
Each refusal is tested beside its control, an acceptable request that is sent first.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from conformance.checks import catalogue

MODULES = tuple(
    import_module(f"{__name__}.{module.name}")
    for module in pkgutil.iter_modules(__path__)
    if not module.name.startswith("_")
)

CHECKS = catalogue.all_checks()

BROWSER_CHECKS = catalogue.browser_checks()
"""The checks of runs with a real browser, beside the catalogue."""

SINK_CHECKS = catalogue.sink_checks()
"""The checks of runs with a sink, beside the catalogue."""
