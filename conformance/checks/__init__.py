"""Checks: their registry, their selection, and the assertions that judge exchanges."""
