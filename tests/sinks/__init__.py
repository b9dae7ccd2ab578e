"""Tests of what reads sinks."""
