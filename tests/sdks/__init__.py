"""Tests of the package `sdks`."""
