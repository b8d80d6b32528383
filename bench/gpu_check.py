"""What only a machine with an NVIDIA GPU can show, in one report: `gpu-check.md` and `gpu-check.json`.

  1. every test marked gpu;
  2. clips per second of the training loop against a plain DataLoader loop, in float32 and with bfloat16 autocast;
  3. how far bfloat16 autocast takes a training from float32;
  4. table 2 at ARGO1M's sizes with made-up values: baseline, CIR and ours, 10 splits, 5 seeds: minutes and memory.

Without a GPU it says so and ends well. --minutes shortens the trainings of the table: their rate then tells how long
the paper's 50 epochs of all clips would take.

example:
  python -m bench.gpu_check --out runs/gpu-check
  python -m bench.gpu_check --out runs/gpu-check --clips 630000 --minutes 600
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from bench.head_data import LOCATIONS, SCENARIOS, MadeUpClips, Widths
from bench.train import Measured, Plan, compare, markdown
from trainer.data.clip_table import ClipTable
from trainer.data.domain_split import hold_out
from trainer.evaluate import softmax
from trainer.loop.fit import fit
from trainer.loop.head_clips import HeadClips
from trainer.loop.predict import masked_logits
from trainer.loop.settings import FitSettings

TABLE_2 = ("erm", "cir", "narration_aligned")
SPLITS, SEEDS, EPOCHS = 10, 5, 50
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class GpuTests:
    """The tests marked gpu."""

    passed: int
    failed: int
    skipped: int


@dataclass(frozen=True)
class Amp:
    """A training with bfloat16 autocast beside the same one in float32, on clips that neither saw."""

    accuracy_amp: float
    accuracy_float32: float
    agreement: float
    """Share of the clips on which both say the same."""
    largest_difference: float
    """Of two probabilities."""


@dataclass(frozen=True)
class MethodRate:
    """The trainings of one method over all splits and seeds."""

    method: str
    trainings: int
    clips: int
    """Training clips of a split, mean over the splits."""
    epochs_each: float
    minutes: float
    clips_per_s: float
    gpu_peak_mib: float

    @property
    def full_minutes(self) -> float:
        """With the paper's 50 epochs of these clips."""
        return self.trainings * EPOCHS * self.clips / self.clips_per_s / 60


def run_gpu_tests() -> GpuTests:
    """pytest -m gpu, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests", f"--junitxml={report}"]
        subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
        suite = next(ElementTree.parse(report).getroot().iter("testsuite")).attrib
    failed, skipped = int(suite["failures"]) + int(suite["errors"]), int(suite["skipped"])
    return GpuTests(int(suite["tests"]) - failed - skipped, failed, skipped)


def amp_against_float32(clips: MadeUpClips, hidden: int, out: int, device: str, epochs: int) -> Amp:
    """Train twice from one seed on 9 of 10 clips, and judge the others."""
    table, narrations = clips.table(), clips.narrations()
    tenth = np.arange(clips.count) % 10 == 0
    train, test = (HeadClips(table.select(part), narrations, device) for part in (~tenth, tenth))
    said = []
    for amp in (True, False):
        settings = FitSettings(epochs=epochs, milestones=(), amp=amp, keep="last")
        result = fit("narration_aligned", {}, clips.head_spec(hidden, out), train, None, settings, None, _quiet)
        said.append(softmax(masked_logits(result.method, test)[:, 0]))
    guesses = [p.argmax(axis=1) for p in said]
    with_amp, in_float32 = (float((guess == test.labels).mean()) for guess in guesses)
    same = float((guesses[0] == guesses[1]).mean())
    return Amp(with_amp, in_float32, same, float(np.abs(said[0] - said[1]).max()))


def table_2_rates(
    clips: MadeUpClips, hidden: int, out: int, device: str, minutes: float, splits: int = SPLITS, seeds: int = SEEDS
) -> list[MethodRate]:
    """Train every method on every split with every seed, each for an equal share of `minutes` (at most 50 epochs)."""
    share_s = 60 * minutes / (len(TABLE_2) * splits * seeds)
    table, narrations, spec = clips.table(), clips.narrations(), clips.head_spec(hidden, out)
    rate, seconds, trained = (dict.fromkeys(TABLE_2, 0.0) for _ in range(3))
    peak = dict.fromkeys(TABLE_2, 0.0)
    counts = []
    for split in range(splits):
        train = HeadClips(_training_part(table, split), narrations, device)
        counts.append(len(train))
        for method in TABLE_2:
            if device != "cpu":
                torch.cuda.reset_peak_memory_stats()
            for seed in range(seeds):
                wanted = int(share_s * rate[method] / len(train))  # the first training, one epoch, tells the rate
                settings = FitSettings(epochs=min(max(wanted, 1), EPOCHS), seed=seed, keep="last")
                started = time.monotonic()
                result = fit(method, {}, spec, train, None, settings, None, _quiet)
                seconds[method] += time.monotonic() - started
                trained[method] += settings.epochs * (len(train) // settings.batch) * settings.batch
                rate[method] = result.clips_per_s
            if device != "cpu":
                peak[method] = max(peak[method], torch.cuda.max_memory_reserved() / 2**20)
            _say(f"split {split + 1} of {splits}, {method}: {rate[method]:,.0f} clips/s")
    mean = round(float(np.mean(counts)))
    trainings = splits * seeds
    return [
        MethodRate(
            method,
            trainings,
            mean,
            trained[method] / trainings / mean,
            seconds[method] / 60,
            trained[method] / seconds[method],
            peak[method],
        )
        for method in TABLE_2
    ]


def _training_part(table: ClipTable, split: int) -> ClipTable:
    """The clips that share neither scenario nor location with the split's domain."""
    train, _ = hold_out(table.facts, str(split % SCENARIOS), str(split % LOCATIONS))
    return table.select(train)


def report(tests: GpuTests, speed: list[Measured], plan: Plan, amp: Amp, rates: list[MethodRate]) -> str:
    """Markdown."""
    lines = [
        f"# GPU check: {torch.cuda.get_device_name() if plan.device != 'cpu' else 'no GPU'}",
        "",
        f"Tests marked gpu: {tests.passed} passed, {tests.failed} failed, {tests.skipped} skipped.",
        "",
        "## Training speed",
        "",
        markdown(speed, plan),
        "",
        "## bfloat16 autocast against float32",
        "",
        f"Accuracy on unseen clips: {amp.accuracy_amp:.1%} with autocast, {amp.accuracy_float32:.1%} in float32; both"
        f" say the same of {amp.agreement:.1%} of the clips; the largest difference of a probability is"
        f" {amp.largest_difference:.3f}.",
        "",
        "## Table 2 at ARGO1M's sizes, made-up values",
        "",
        f"| method | trainings | clips | epochs each | minutes | clips/s | GPU peak, MiB | minutes, {EPOCHS} epochs |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for rate in rates:
        lines.append(
            f"| {rate.method} | {rate.trainings} | {rate.clips:,} | {rate.epochs_each:.1f} | {rate.minutes:.1f} "
            f"| {rate.clips_per_s:,.0f} | {rate.gpu_peak_mib:,.0f} | {rate.full_minutes:,.0f} |"
        )
    total, full = sum(r.minutes for r in rates), sum(r.full_minutes for r in rates)
    lines.append(f"| together | {sum(r.trainings for r in rates)} | | | {total:.1f} | | | {full:,.0f} |")
    return "\n".join(lines) + "\n"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _quiet(line: str) -> None:
    """A line for every split is enough."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--out", type=Path, default=Path("runs/gpu-check"), help="folder of the report (default: runs/gpu-check)")
    add("--clips", type=int, default=200_000, help="made-up clips, 35 kB each (default: 200000)")
    add("--minutes", type=float, default=30.0, help="for the trainings of the table (default: 30)")
    add("--steps", type=int, default=200, help="batches of a timed pass (default: 200)")
    args = parser.parse_args()
    if not torch.cuda.is_available():
        print("There is no NVIDIA GPU here (or this PyTorch cannot use it): nothing to check.")
        return 0
    args.out.mkdir(parents=True, exist_ok=True)
    tests = run_gpu_tests()
    hidden, out = 4096, 512
    with tempfile.TemporaryDirectory(dir=args.out) as folder:
        clips = MadeUpClips(Path(folder), args.clips, Widths())
        clips.write()
        plan = Plan(clips, hidden, out, 128, args.steps, torch.get_num_threads(), "cuda", amp=False)
        speed = compare(plan, ("ours, memory map", "ours, resident", "plain, 0 workers", "plain, 8 workers"), repeats=5)
        with_amp = compare(replace(plan, amp=True), ("ours, resident",), repeats=5)
        speed += [replace(m, way=f"{m.way}, bfloat16") for m in with_amp]
        small = replace(clips, folder=Path(folder) / "small", count=min(20_000, args.clips))
        small.folder.mkdir()
        small.write()
        amp = amp_against_float32(small, hidden, out, "cuda", epochs=5)
        rates = table_2_rates(clips, hidden, out, "cuda", args.minutes)
    text = report(tests, speed, plan, amp, rates)
    (args.out / "gpu-check.md").write_text(text, encoding="utf-8")
    values = {
        "gpu": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "tests": asdict(tests),
        "speed": [{**asdict(m), "median": m.median} for m in speed],
        "amp": asdict(amp),
        "table_2": [{**asdict(rate), "full_minutes": rate.full_minutes} for rate in rates],
    }
    (args.out / "gpu-check.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    print(text)
    return 1 if tests.failed else 0


if __name__ == "__main__":
    sys.exit(main())
