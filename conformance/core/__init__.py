"""Data types, exceptions and functions that every other package uses."""
