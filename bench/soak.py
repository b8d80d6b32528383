"""A long live run on a rig without hardware: does any process grow, in memory or in descriptors, and is every frame
accounted for?

Every process is sampled once in a few seconds, after a start in which buffers fill. Memory is what a process has for
itself (VmRSS without the shared rings). Its slope is fitted to the means of twenty stretches, which do not remember
each other as neighbouring samples do; the interval is Student's. Exits with 1 when an interval lies above zero, when
descriptors grew, when a process was replaced, or when frames are missing from the account.

example:
  python -m bench.soak --minutes 60
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bench.live_rig import devices
from edge.demo import DEMO
from tests.capture.shim import DEVICE

SAMPLE_S = 2.0
WARM_UP_SHARE, LONGEST_WARM_UP_S = 0.5, 900.0
STRETCHES = 20
CONFIDENCE = 0.95
WORTH_MB_AN_HOUR = 1.0
"""A growth below this is none: a day of it would not be seen."""


class Sample(NamedTuple):
    """One process at one moment."""

    t_s: float
    memory_mb: float
    descriptors: int


class Slope(NamedTuple):
    """Growth of one process's memory."""

    mb_an_hour: float
    low: float
    high: float

    @property
    def grows(self) -> bool:
        return self.low > 0 and self.mb_an_hour > WORTH_MB_AN_HOUR


class Verdict(NamedTuple):
    """What a soak found."""

    slopes: dict[str, Slope]
    memory_mb: dict[str, float]
    """Median, by process."""
    descriptors: dict[str, tuple[int, int]]
    """Largest number in the first and in the last quarter."""
    problems: tuple[str, ...]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="auto")
    args = parser.parse_args()
    if args.minutes < 2:
        parser.error("--minutes: less than 2 say nothing about growth")
    seconds, clip = 60 * args.minutes, min(DEMO.glob("*.mp4"))
    with tempfile.TemporaryDirectory() as name, devices(clip, Path(name)) as (_, server):
        jsonl = Path(name) / "labels.jsonl"
        command = [sys.executable, "-m", "edge.cli", "live", "--camera", DEVICE, "--mic", server.device, "--headless"]
        options = ["--threads", str(args.threads), "--precision", args.precision, "--jsonl", str(jsonl)]
        run = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        _wait_for_labels(run, jsonl)
        pids = {"main": run.pid, **children_of(run.pid)}
        samples = watch(pids, seconds)
        replaced = {"main": run.pid, **children_of(run.pid)} != pids
        run.terminate()
        out, _ = run.communicate(timeout=60)
        lines = [json.loads(line) for line in jsonl.read_text().splitlines()]
    verdict = judge(samples, lines[-1], replaced=replaced)
    _print(verdict)
    print(out)
    print(json.dumps(verdict._asdict()))
    return 1 if verdict.problems else 0


def children_of(pid: int) -> dict[str, int]:
    """Processes of a live run by their names."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            arguments = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            found[arguments[5].decode()] = int(child)
    return found


def _wait_for_labels(run: subprocess.Popen[str], jsonl: Path) -> None:
    while not jsonl.exists() or '"prediction"' not in jsonl.read_text():
        if run.poll() is not None:
            raise SystemExit("bench.soak: the run did not start")
        time.sleep(0.2)


def watch(pids: dict[str, int], seconds: float) -> dict[str, list[Sample]]:
    """Sample the processes for so long; those of the first part, in which buffers fill, are left out."""
    samples: dict[str, list[Sample]] = {name: [] for name in pids}
    begun_s = time.monotonic()
    warm_s = min(WARM_UP_SHARE * seconds, LONGEST_WARM_UP_S)
    told_s = 0.0
    while (t_s := time.monotonic() - begun_s) < seconds:
        if t_s >= warm_s:
            for name, pid in pids.items():
                with suppress(OSError, KeyError):  # a process that was replaced is told at the end
                    samples[name].append(Sample(t_s, private_memory_mb(pid), len(os.listdir(f"/proc/{pid}/fd"))))
        if t_s - told_s >= 60:
            told_s = t_s
            print(f"{t_s / 60:.0f} of {seconds / 60:.0f} minutes", file=sys.stderr)
        time.sleep(SAMPLE_S)
    return samples


def private_memory_mb(pid: int) -> float:
    """Resident memory of a process without what it shares by name or by inheritance (proc(5): RssShmem)."""
    fields = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        fields[name] = value
    return (int(fields["VmRSS"].split()[0]) - int(fields["RssShmem"].split()[0])) * 1024 / 1e6


def slope_of(samples: list[Sample]) -> Slope:
    """Least squares through the means of `STRETCHES` stretches; the interval of Student's t at `CONFIDENCE`."""
    parts = np.array_split(np.array([(s.t_s / 3600, s.memory_mb) for s in samples]), STRETCHES)
    means: NDArray[np.float64] = np.array([part.mean(axis=0) for part in parts])
    fit = stats.linregress(means[:, 0], means[:, 1])
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, STRETCHES - 2)) * float(fit.stderr)
    return Slope(float(fit.slope), float(fit.slope) - half, float(fit.slope) + half)


def judge(samples: dict[str, list[Sample]], closing: dict[str, Any], *, replaced: bool) -> Verdict:
    """What is wrong, if anything; `closing` is the last line of the run's JSON lines."""
    if closing["type"] != "run":
        return Verdict({}, {}, {}, ("the run did not close its file",))
    slopes = {name: slope_of(taken) for name, taken in samples.items()}
    descriptors = {name: _ends([s.descriptors for s in taken]) for name, taken in samples.items()}
    problems = [f"memory of {name} grows by {s.mb_an_hour:.1f} MB an hour" for name, s in slopes.items() if s.grows]
    problems += [f"descriptors of {name} grow from {a} to {b}" for name, (a, b) in descriptors.items() if b > a]
    if replaced:
        problems.append("a process was replaced")
    frames = closing["frames"]
    if frames["captured"] != frames["used"] + frames["dropped"]:
        problems.append("captured is not used + dropped")
    memory_mb = {name: float(np.median([s.memory_mb for s in taken])) for name, taken in samples.items()}
    return Verdict(slopes, memory_mb, descriptors, tuple(problems))


def _ends(counts: list[int]) -> tuple[int, int]:
    quarter = max(1, len(counts) // 4)
    # The median: a file that is open for a moment while it is read is no leak.
    return round(median(counts[:quarter])), round(median(counts[-quarter:]))


def _print(verdict: Verdict) -> None:
    print("| process | memory (MB) | growth (MB an hour) [95 %] | descriptors |\n|---|---|---|---|")
    for name, slope in verdict.slopes.items():
        first, last = verdict.descriptors[name]
        growth = f"{slope.mb_an_hour:+.2f} [{slope.low:+.2f}, {slope.high:+.2f}]"
        print(f"| {name} | {verdict.memory_mb[name]:.1f} | {growth} | {first} -> {last} |")
    print(f"\nproblems: {'; '.join(verdict.problems) or 'none'}")


if __name__ == "__main__":
    sys.exit(main())
