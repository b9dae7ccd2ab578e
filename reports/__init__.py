"""Compatibility reports that are kept: of the reference servers, by their own profiles and by others."""
