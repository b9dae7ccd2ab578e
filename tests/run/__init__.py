"""Tests of the package `run`."""
