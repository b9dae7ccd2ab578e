"""Tests of the package `causes`."""
