"""The options of `load` that no other command has."""

from __future__ import annotations

from typing import Any

SHAPES = ("steady", "ramp", "spike", "soak", "restart")
UNUSED_BY_LOAD = (
    "select", "deselect", "known-deviations", "repeat", "thorough", "sarif-location", "fuzz", "fuzz-seed", "max-time",
    "jobs", "wait", "tier", "expired-bearer", "disabled-write-key", "max-duration",
)  # fmt: skip
"""The settings that `load` has no use for."""
LOAD_OPTIONS: dict[str, dict[str, Any]] = {
    "shape": {"choices": SHAPES, "default": "steady", "help": "how the rate changes (default: steady)"},
    "duration": {"metavar": "SECONDS", "help": "how long the shape takes (default: 30)"},
    "to": {"metavar": "N", "help": "the last rate of a ramp (default: --max-rate, or ten times the first)"},
    "find-limit": {
        "action": "store_true",
        "help": "look for the highest rate at which every promise holds, with one event a request",
    },
    "hold": {"metavar": "SECONDS", "help": "how long every promise has to hold at the limit (default: 30)"},
    "max-rate": {"metavar": "N", "help": "the highest rate that may ever be sent; needed beyond this machine"},
    "mix": {"metavar": "FILE", "help": "the mix of calls, batches, SDKs and sizes, in YAML"},
    "bad": {"metavar": "SHARE", "help": "the share of invalid requests (default: 2%%)"},
    "clients": {"metavar": "N", "help": "clients with connections of their own (default: two for each worker)"},
    "workers": {"metavar": "N", "help": "worker processes (default: 2)"},
    "p50": {"metavar": "TIME", "help": "a service level: half of the answers come within this time, such as 50ms"},
    "p95": {"metavar": "TIME", "help": "a service level for 95 percent of the answers"},
    "p99": {"metavar": "TIME", "help": "a service level for 99 percent of the answers, such as 200ms"},
    "max-error-rate": {"metavar": "SHARE", "help": "a service level: at most this share of requests fails"},
    "recover-within": {
        "metavar": "SECONDS",
        "help": "how long a server may take to recover from a burst or a restart (default: 10)",
    },
    "restart-command": {
        "metavar": "COMMAND",
        "help": "what restarts the server on this machine, for --shape restart; it has to end by itself",
    },
    "pid": {"metavar": "PID", "help": "the server's process on this machine, whose memory is watched"},
    "locustfile": {"action": "store_true", "help": "print the path of the locustfile, and end"},
    "prepare": {"metavar": "DIR", "help": "write what workers of your own need, and send nothing"},
}
