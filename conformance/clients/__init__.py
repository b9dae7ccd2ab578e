"""Judges clients: programs that send events, against the reference server with scripts of answers."""

from conformance.clients.judge import Finding, judge
from conformance.clients.run import Client, ClientRun, find_client, run_scripts
from conformance.clients.scripts import ClientScript, load_client_scripts

__all__ = [
    "Client",
    "ClientRun",
    "ClientScript",
    "Finding",
    "find_client",
    "judge",
    "load_client_scripts",
    "run_scripts",
]
