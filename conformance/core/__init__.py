"""What everything else stands on: the nouns, errors, pointers, text."""
