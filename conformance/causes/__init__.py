"""Causes: the one thing about a server that makes many checks fail.

Answers that differ from those of another server are compared step by step, and differences that have one likely
cause are grouped: those whose requests have a trait in common that no request has that both answer alike.
"""
