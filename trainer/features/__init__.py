"""Frozen features: the rows of recorded clips through the backbones, kept on disk."""
