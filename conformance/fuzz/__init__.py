"""Fuzzing: generated requests in great number, judged by the contract."""
