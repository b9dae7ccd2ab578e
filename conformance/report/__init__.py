"""Reports: the JSON document of a run, and HTML, Markdown, JUnit, SARIF, a badge and terminal text made from it."""
