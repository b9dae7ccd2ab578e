"""Tests of the package `probe`."""
