"""A target as a user names it: what a fixture gives to the checks."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server to judge: its base URL, and the credentials that it accepts.

    A credential that is None is that of the options, or of the environment. None is ever shown: an
    assertion or a traceback prints the URL only.
    """

    url: str
    write_key: str | None = field(default=None, repr=False)
    bearer: str | None = field(default=None, repr=False)
