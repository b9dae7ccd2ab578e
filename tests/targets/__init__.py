"""Servers that the suite did not write: four correct dialects and many with exactly one broken promise."""
