"""Does a process grow? The slope of its own memory over hours, with a confidence interval.

The line is fitted to the means of twenty stretches, which do not remember each other as neighbouring samples do.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge.sysfs import read_text

STRETCHES = 20
_STUDENT_T = 2.1009
"""97.5 % point of Student's t with STRETCHES - 2 = 18 degrees of freedom."""
SHORTEST_S = 600.0
"""Of samples: what a process does in a shorter time says nothing about an hour."""
WORTH_MB_AN_HOUR = 1.0
"""A growth below this is none: a day of it would not be seen."""


class ProcessSample(NamedTuple):
    """One process at one moment."""

    t_s: float
    memory_mb: float
    """Resident, without what it shares (proc(5): VmRSS - RssShmem)."""
    descriptors: int


class Slope(NamedTuple):
    """Growth in MB an hour with its 95 % interval."""

    mb_an_hour: float
    low: float
    high: float

    @property
    def grows(self) -> bool:
        return self.low > 0 and self.mb_an_hour > WORTH_MB_AN_HOUR


def sample_process(pid: int, t_s: float, root: Path = Path("/proc")) -> ProcessSample | None:
    """The process now; None when it is gone."""
    fields = dict(line.split(":", 1) for line in (read_text(root / f"{pid}/status") or "").splitlines() if ":" in line)
    try:
        own_kb = int(fields["VmRSS"].split()[0]) - int(fields["RssShmem"].split()[0])
        return ProcessSample(t_s, own_kb * 1024 / 1e6, len(os.listdir(root / f"{pid}/fd")))
    except (KeyError, OSError):
        return None


def slope_of(samples: Sequence[ProcessSample]) -> Slope | None:
    """None for fewer than two samples a stretch, or less than ten minutes."""
    if len(samples) < 2 * STRETCHES or samples[-1].t_s - samples[0].t_s < SHORTEST_S:
        return None
    parts = np.array_split(np.array([(s.t_s / 3600, s.memory_mb) for s in samples]), STRETCHES)
    hours, megabytes = np.array([part.mean(axis=0) for part in parts]).T
    centred = hours - hours.mean()
    spread = float((centred**2).sum())
    slope = float((centred * megabytes).sum()) / spread
    residuals = megabytes - megabytes.mean() - slope * centred
    half = _STUDENT_T * float(np.sqrt((residuals**2).sum() / (STRETCHES - 2) / spread))
    return Slope(slope, slope - half, slope + half)
