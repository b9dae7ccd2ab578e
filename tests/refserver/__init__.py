"""Tests of the package `refserver`."""
