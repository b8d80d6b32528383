"""Decisions fitted on annotated clips, and the proof of what that gains."""
