"""What measures the suite: every number is a ratio to a floor measured in the same run."""
