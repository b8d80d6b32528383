"""Narrations and their text embeddings; used in training only."""
