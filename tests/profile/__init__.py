"""Tests of the package `profile`."""
