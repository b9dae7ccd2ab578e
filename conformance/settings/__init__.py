"""Settings: one table of options, and the file that a project keeps them in."""
