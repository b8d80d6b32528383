"""The soak's judgement on made-up samples, and the soak itself (slow)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.soak import Sample, judge, slope_of

ROOT = Path(__file__).parents[2]


def samples(growth_mb_an_hour: float = 0.0, minutes: int = 60, descriptors: int = 12, seed: int = 0) -> list[Sample]:
    """Memory that wanders by itself, as that of an allocator does, and grows."""
    random = np.random.default_rng(seed)
    wander = 0.0
    taken = []
    for t_s in range(0, 60 * minutes, 2):
        wander = 0.95 * wander + random.normal(0, 0.05)
        taken.append(Sample(t_s, 100 + wander + growth_mb_an_hour * t_s / 3600, descriptors))
    return taken


def test_wandering_memory_is_not_growth() -> None:
    slopes = [slope_of(samples(seed=seed)) for seed in range(40)]
    assert sum(not slope.low <= 0 <= slope.high for slope in slopes) <= 6
    assert not any(slope.grows for slope in slopes)


def test_growth_is_found() -> None:
    slope = slope_of(samples(5.0))
    assert slope.grows
    assert slope.low < 5.0 < slope.high


def test_every_kind_of_trouble_is_named() -> None:
    good = {"type": "run", "frames": {"captured": 100, "used": 90, "dropped": 10}}
    assert judge({"camera": samples()}, good, replaced=False).problems == ()
    hour = samples()
    leaking = [*hour[: len(hour) // 2], *(s._replace(descriptors=13) for s in hour[len(hour) // 2 :])]
    missing = {"type": "run", "frames": {"captured": 100, "used": 90, "dropped": 9}}
    problems = judge({"camera": samples(5.0), "inference": leaking}, missing, replaced=True).problems
    words = ("memory of camera grows", "descriptors of inference grow", "replaced", "captured is not")
    assert [any(word in problem for problem in problems) for word in words] == [True] * 4
    assert judge({}, {"type": "prediction"}, replaced=False).problems == ("the run did not close its file",)


@pytest.mark.slow
@pytest.mark.timeout(4500)
def test_sixty_minutes() -> None:
    """Real processes, the shim's camera and a sound server's microphone."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.soak", "--minutes", "60"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
