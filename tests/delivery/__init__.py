"""What becomes of events after their answer."""
