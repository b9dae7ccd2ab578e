"""The target that the fixture `conformance_target` gives to the checks."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server to judge: its base URL, and the credentials that it accepts.

    Where a credential is None, the option or the environment variable applies. Credentials are not in the
    `repr`, so assertions and tracebacks don't show them.
    """

    url: str
    write_key: str | None = field(default=None, repr=False)
    bearer: str | None = field(default=None, repr=False)
    expired_bearer: str | None = field(default=None, repr=False)
    source_id: str | None = field(default=None, repr=False)
    disabled_write_key: str | None = field(default=None, repr=False)
