"""Differences: two servers are sent the same, and what they answer is compared."""
