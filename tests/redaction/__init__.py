"""Tests of the package `redaction`."""
