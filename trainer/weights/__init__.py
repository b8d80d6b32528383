"""Checkpoints that others publish: where they come from, where they lie, and whether they are still the same."""
