"""Reports: verdicts as JSON, JUnit XML, text for a terminal, and shell lines."""
