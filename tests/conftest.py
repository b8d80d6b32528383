"""Settings of every test run."""

from __future__ import annotations

import os

from hypothesis import settings

# Tests share two cores with each other: thread pools that wait for each other made them two to three times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long one example takes says something about the machine only.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
