"""A run: permissions and plan, preflight, the engine that runs checks, and their verdicts."""
