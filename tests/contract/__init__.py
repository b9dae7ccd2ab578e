"""Tests of the package `contract`."""
