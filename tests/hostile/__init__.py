"""Targets that mean harm, and what the command makes of them."""
