"""Speaks through a Python SDK: one event of each kind, or one alone. Prints how often it reported an error.

python python_sdk.py PACKAGE URL KEY {all,one}
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
from typing import Any

USER, VISITOR = "conformance-user", "conformance-visitor"


def main() -> None:
    """Sends what is asked for, and waits until the SDK is through with it."""
    package, url, key, extent = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    errors: list[str] = []

    def on_error(error: Exception, batch: Any) -> None:  # noqa: ANN401 - the SDK's own type
        errors.append(f"{type(error).__name__}: {error} ({len(batch)} events)")

    client: Any = importlib.import_module(f"{package}.client").Client(
        key,
        host=url,
        on_error=on_error,
        max_retries=1,
        upload_interval=1,
        upload_size=7 if extent == "all" else 1,
    )
    client.track(USER, "Order Completed", {"total": 39.9, "currency": "EUR"})
    if extent == "all":
        client.identify(USER, {"email": "conformance@example.com"})
        client.page(USER, "Docs", "Home", {"path": "/"})
        client.screen(USER, "App", "Welcome", {"variation": "blue"})
        client.group(USER, "conformance-group", {"name": "Example"})
        client.alias(VISITOR, USER)
        client.track(event="Link Clicked", anonymous_id=VISITOR)
    client.flush()
    client.shutdown()
    sys.stdout.write(json.dumps({"errors": errors}))


main()
