"""Tests of `conformance.clients`."""
