"""A run: a plan, the engine that drives checks, verdicts."""
