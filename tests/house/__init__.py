"""Tests of the house itself: its rules, its documents and their examples."""
