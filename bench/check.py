"""Did something get slower? Ratios measured now against those of bench/baseline.json; never absolute times.

Each engine of the shipped bundle, in every precision that it has, against the same graph in ONNX Runtime, which no
change of ours makes slower; and a row through the pipeline against its four engines alone. A ratio has got slower when
it grew by more than a tenth, and by more than its spread then and now together. Exits with 1 when one did. On another
kind of processor ratios differ for good reasons: they are shown there, and nothing fails.

example:
  python -m bench.check
  python -m bench.check --update     # after a change that is meant
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.bench.candidate import ALL, ONNXRUNTIME, candidates, load_candidate
from edge.bench.engine_bench import EngineBench, bench_engines
from edge.bench.machine import machine_facts
from edge.bench.pipeline_bench import paced
from edge.bench.ratio import Ratio, paired_ratio
from edge.bench.report import write_text
from edge.bench.sample_inputs import sample_inputs
from edge.bench.table import Table
from edge.bundle import SHIPPED, Bundle, load_bundle
from edge.contract import Prediction
from edge.demo import DEMO
from edge.engines.load import load_engines
from edge.errors import EgoactError, UsageError
from edge.json_text import read_json
from edge.recognizer import Recognizer
from edge.telemetry import ENGINE_STAGES

BASELINE = Path(__file__).parent / "baseline.json"
FORMAT = 1
TOLERANCE = 0.10
ROW = "a row through the pipeline / its engines"


@dataclass(frozen=True)
class Finding:
    """One ratio then and now; a larger one is slower."""

    name: str
    then: Ratio
    now: Ratio

    @property
    def change(self) -> float:
        return self.now.ratio / self.then.ratio

    @property
    def tolerance(self) -> float:
        """What noise explains, as a share."""
        return max(TOLERANCE, _spread(self.then) + _spread(self.now))

    @property
    def verdict(self) -> str:
        if self.change > 1 + self.tolerance:
            return "slower"
        return "faster" if self.change < 1 / (1 + self.tolerance) else "same"


def engine_ratios(benches: Sequence[EngineBench]) -> dict[str, Ratio]:
    """Time of each engine over that of ONNX Runtime in FP32, by name."""
    reference = {b.engine: b.round_medians_ms for b in benches if (b.backend, b.precision) == (ONNXRUNTIME, "f32")}
    return {
        f"{b.engine} {b.precision} / ONNX Runtime f32": paired_ratio(b.round_medians_ms, reference[b.engine])
        for b in benches
        if b.backend != ONNXRUNTIME
    }


def row_ratio(predictions: Sequence[Prediction]) -> Ratio:
    """From the beginning of a row to its label, over the time of the four engines in it."""
    heard = [p for p in predictions if all(name in p.stage_ms for name in ENGINE_STAGES)]
    whole = [p.label_age_ms - p.stage_ms["wait"] for p in heard]
    return paired_ratio(whole, [sum(p.stage_ms[name] for name in ENGINE_STAGES) for p in heard])


def measure(bundle: Bundle, *, seconds: float, rounds: int) -> dict[str, Ratio]:
    """All ratios, now, on one thread."""
    clip = min(DEMO.glob("*.mp4"))
    ours = candidates(bundle, precisions=(ALL,), threads=(1,))
    theirs = candidates(bundle, precisions=("f32",), backends=(ONNXRUNTIME,), threads=(1,))
    loaded = {candidate: load_candidate(bundle, candidate) for candidate in (*ours, *theirs)}
    benches = bench_engines(loaded, sample_inputs(bundle, clip), seconds=seconds, rounds=rounds)
    for engine in loaded.values():
        engine.engine.close()
    engines = load_engines(bundle, threads=1)
    result, _ = paced(Recognizer(bundle, engines, temperature=1.0), clip, 5 * seconds)
    engines.close()
    return {**engine_ratios(benches), ROW: row_ratio(result.predictions)}


def compare(baseline: Mapping[str, Any], now: Mapping[str, Ratio]) -> list[Finding]:
    """What both have.

    Raises:
        UsageError: nothing.
    """
    found = [Finding(name, Ratio(**then), now[name]) for name, then in baseline["ratios"].items() if name in now]
    if not found:
        raise UsageError("the baseline has nothing that is measured now; make another with --update")
    return found


def read_baseline(path: Path) -> dict[str, Any]:
    """Raises UsageError: no such file, or not a baseline."""
    try:
        data = read_json(path)
        if data["format"] != FORMAT or not data["ratios"] or not data["processor"]:
            raise ValueError
        for then in data["ratios"].values():
            if not all(value > 0 for value in vars(Ratio(**then)).values()):
                raise ValueError
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); write one with --update") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: not a baseline; write one with --update") from error
    return data


def lines_of(findings: Sequence[Finding], missing: Sequence[str], same_processor: bool) -> list[str]:
    table = Table(("<ratio", "<then [95 %]", "<now [95 %]", "change", "tolerance", "<verdict"))
    for f in findings:
        table.add(
            f.name, str(f.then), str(f.now), f"{100 * (f.change - 1):+.0f} %", f"{100 * f.tolerance:.0f} %", f.verdict
        )
    slower = [f.name for f in findings if f.verdict == "slower"]
    lines = [*table.text(), *(f"not measured here: {name}" for name in missing)]
    if not same_processor:
        lines.append("another kind of processor than the baseline's: nothing fails here; make your own with --update")
    return [*lines, f"slower: {', '.join(slower) or 'nothing'}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseline", type=Path, default=BASELINE, metavar="FILE")
    parser.add_argument("--update", action="store_true", help="write what is measured now as the baseline")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each engine (default: 3)")
    parser.add_argument("--rounds", type=int, default=15, help="in which engines take turns (default: 15)")
    args = parser.parse_args()
    try:
        baseline = None if args.update else read_baseline(args.baseline)
        now, processor = (
            measure(load_bundle(SHIPPED), seconds=args.seconds, rounds=args.rounds),
            machine_facts().processor,
        )
        if baseline is None:
            ratios = {name: {k: round(v, 4) for k, v in asdict(ratio).items()} for name, ratio in now.items()}
            data = {"format": FORMAT, "processor": processor, "ratios": ratios}
            write_text(args.baseline, json.dumps(data, indent=1) + "\n")
            return 0
        findings, same = compare(baseline, now), processor == baseline["processor"]
    except EgoactError as error:
        print(f"bench.check: {error}", file=sys.stderr)
        return error.exit_code
    print("\n".join(lines_of(findings, [name for name in baseline["ratios"] if name not in now], same)))
    return 1 if same and any(f.verdict == "slower" for f in findings) else 0


def _spread(ratio: Ratio) -> float:
    return (ratio.high - ratio.low) / 2 / ratio.ratio


if __name__ == "__main__":
    sys.exit(main())
