"""Tests of the package `plugin`."""
