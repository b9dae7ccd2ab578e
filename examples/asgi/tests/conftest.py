"""What the checks judge: our application, served for the session."""

import pytest
from server import WRITE_KEY, app


@pytest.fixture(scope="session")
def conformance_target(conformance_serve_asgi):
    """The application, and the key that it accepts."""
    return conformance_serve_asgi(app, write_key=WRITE_KEY)
