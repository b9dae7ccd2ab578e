"""Checks: what is judged, by which promise, and the assertions that judge it."""
