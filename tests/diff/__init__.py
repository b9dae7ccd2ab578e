"""Tests of the package `diff`."""
