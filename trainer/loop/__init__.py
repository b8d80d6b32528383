"""The training loop of every method: clips, settings, fit, and what a run leaves on the disk."""
