"""The contract between a vendor and its clients: everything that one profile promises, looked up by name."""

from __future__ import annotations

from conformance.contract.contract import Contract
from conformance.contract.operation import Operation

__all__ = ["Contract", "Operation"]
