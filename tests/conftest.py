"""Settings of every test run."""

from __future__ import annotations

import os

# Tests share two cores with each other: thread pools that wait for each other made them two to three times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
