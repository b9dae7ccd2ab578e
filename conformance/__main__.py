"""`python -m conformance`, the same as the command."""

from __future__ import annotations

from conformance.cli import command

if __name__ == "__main__":
    command()
