"""The report of replayed clips: one HTML page, the same as Markdown, and the numbers as JSON."""
