"""What only a machine with an NVIDIA GPU can show, in one report: `gpu-check.md` and `gpu-check.json`.

  1. every test marked gpu;
  2. clips per second of the training loop against a plain DataLoader loop, in float32 and with bfloat16 autocast;
  3. how far bfloat16 autocast takes a training from float32;
  4. table 2 at ARGO1M's sizes with made-up values: baseline, CIR and ours, 10 splits, 5 seeds: minutes and memory.

Without a GPU it says so and ends well. The trainings of the table share --minutes; the report says for how many epochs
that was enough, what it foretells for the paper's 50 epochs, and how true that is of a training with all of them.

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
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from bench.gpu_table import TableTime, table_time_markdown, time_table_2
from bench.head_data import MadeUpClips, Widths
from bench.train import Measured, compare, markdown
from bench.ways import Plan, loading
from trainer.evaluate import softmax
from trainer.loop.fit import fit
from trainer.loop.head_clips import HeadClips
from trainer.loop.predict import masked_logits
from trainer.loop.settings import FitSettings, Precision

ROOT = Path(__file__).parents[1]
Speed = tuple[list[Measured], Plan]


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
    precisions: tuple[Precision, Precision] = ("bfloat16", "float32")
    for precision in precisions:
        settings = FitSettings(epochs=epochs, milestones=(), precision=precision, keep="last")
        result = fit("narration_aligned", {}, clips.head_spec(hidden, out), train, None, settings, None, _quiet)
        said.append(softmax(masked_logits(result.method, test)[:, 0]))
    guesses = [p.argmax(axis=1) for p in said]
    with_amp, in_float32 = (float((guess == test.labels).mean()) for guess in guesses)
    same = float((guesses[0] == guesses[1]).mean())
    return Amp(with_amp, in_float32, same, float(np.abs(said[0] - said[1]).max()))


def report(tests: GpuTests, speed: Mapping[str, Speed], amp: Amp, table_2: TableTime) -> str:
    """Markdown; `speed` has the timed ways of "training" and "loading"."""
    plan = speed["training"][1]
    lines = [
        f"# GPU check: {torch.cuda.get_device_name() if plan.device != 'cpu' else 'no GPU'}",
        "",
        f"Tests marked gpu: {tests.passed} passed, {tests.failed} failed, {tests.skipped} skipped.",
        "",
        "## Training speed",
        *(line for measured, its_plan in speed.values() for line in ("", markdown(measured, its_plan))),
        "",
        "## bfloat16 autocast against float32",
        "",
        f"Accuracy on unseen clips: {amp.accuracy_amp:.1%} with autocast, {amp.accuracy_float32:.1%} in float32; both"
        f" say the same of {amp.agreement:.1%} of the clips; the largest difference of a probability is"
        f" {amp.largest_difference:.3f}.",
        "",
        "## Table 2 at ARGO1M's sizes, made-up values",
        "",
        *table_time_markdown(table_2, plan.clips.count),
    ]
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
        plan = Plan(clips, hidden, out, 128, args.steps, torch.get_num_threads(), "cuda")
        ways = ("ours, memory map", "ours, resident", "plain, 0 workers", "plain, 8 workers")
        speed = {"training": (compare(plan, ways, repeats=5, bfloat16=True), plan)}
        speed["loading"] = (compare(loading(plan), ways, repeats=5), loading(plan))
        small = replace(clips, folder=Path(folder) / "small", count=min(20_000, args.clips))
        small.folder.mkdir()
        small.write()
        amp = amp_against_float32(small, hidden, out, "cuda", epochs=5)
        table_2 = time_table_2(clips, clips.head_spec(hidden, out), "cuda", args.minutes, _say)
    text = report(tests, speed, amp, table_2)
    (args.out / "gpu-check.md").write_text(text, encoding="utf-8")
    values = {
        "gpu": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "tests": asdict(tests),
        "speed": {what: [{**asdict(m), "median": m.median} for m in found] for what, (found, _) in speed.items()},
        "amp": asdict(amp),
        "table_2": {**asdict(table_2), "foretold_minutes": table_2.foretold_minutes},
    }
    (args.out / "gpu-check.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    print(text)
    return 1 if tests.failed else 0


if __name__ == "__main__":
    sys.exit(main())
