"""Tests of the package `selfcheck`."""
