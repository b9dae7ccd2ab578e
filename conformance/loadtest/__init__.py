"""Conformance under load: traffic as SDKs make it, every answer judged by the contract, on processes of Locust.

`locustfile` runs inside Locust's workers; everything else runs in the command's own process.
"""

from __future__ import annotations

from conformance.loadtest.execution import LoadPlan, run_load
from conformance.loadtest.fleet import LOCUSTFILE
from conformance.loadtest.traffic import build_traffic

__all__ = ["LOCUSTFILE", "LoadPlan", "build_traffic", "run_load"]
