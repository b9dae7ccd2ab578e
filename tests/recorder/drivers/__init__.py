"""Scripts that speak through one SDK each; run by themselves, with the SDK at hand."""
