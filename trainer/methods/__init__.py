"""Training objectives: one file a method."""
