"""Per engine, the fastest precision among those that pass the gate, with the reasons written down."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

from calibration.gate import Gate, Verdict, judge
from calibration.hold_out import HoldOut, head_logits
from edge.bundle import Choice
from edge.engines.base import Engine, Tensors
from edge.engines.load import Engines

REFERENCE = "f32"
BACKBONES = ("video", "audio")


def median_ms(engines: Mapping[str, Engine], inputs: Tensors, *, runs: int = 15) -> dict[str, float]:
    """Median milliseconds of each engine on the same inputs, in turns, so that a busy moment hits all of them."""
    taken: dict[str, list[float]] = {name: [] for name in engines}
    for engine in engines.values():
        engine.infer(inputs)
    for _ in range(runs):
        for name, engine in engines.items():
            start_ns = time.monotonic_ns()
            engine.infer(inputs)
            taken[name].append((time.monotonic_ns() - start_ns) / 1e6)
    return {name: float(np.median(values)) for name, values in taken.items()}


def select(
    engines: Mapping[str, Engines],
    held: HoldOut,
    samples: Mapping[str, Tensors],
    gate: Gate,
    measure: Callable[[Mapping[str, Engine], Tensors], dict[str, float]] = median_ms,
) -> dict[str, Choice]:
    """Choose a precision for each backbone; the other backbone stays in FP32 while one is judged.

    Args:
        engines: precision -> engine set; 'f32' must be among them.
        held: what these precisions said on the hold-out.
        samples: 'video' and 'audio' -> inputs to measure speed with.
        measure: milliseconds by precision of one backbone's engines.
    """
    head = engines[REFERENCE].head
    reference = head_logits(head, held, REFERENCE, REFERENCE)
    choices = {}
    for backbone in BACKBONES:
        speed = measure({p: getattr(e, backbone) for p, e in engines.items()}, samples[backbone])
        verdicts = {}
        for precision in engines:
            mixture = (precision, REFERENCE) if backbone == "video" else (REFERENCE, precision)
            verdicts[precision] = judge(reference, head_logits(head, held, *mixture), held.labels, gate)
        choices[backbone] = _choice(speed, verdicts)
    return choices


def _choice(speed: Mapping[str, float], verdicts: Mapping[str, Verdict]) -> Choice:
    # FP32 needs no evidence: it is what the others are compared with, also where the hold-out is too small to judge.
    allowed = [p for p, verdict in verdicts.items() if verdict.passed or p == REFERENCE]
    best = min(allowed, key=lambda p: speed[p])
    gain = f"{speed[REFERENCE] / speed[best]:.1f}x as fast as f32" if best != REFERENCE else "the fastest that passes"
    told = [f"{best}: {gain} ({speed[best]:.1f} ms); {verdicts[best].reason}"]
    told += [_rejected(p, speed, verdicts[p], best) for p in speed if p not in (best, REFERENCE)]
    evidence = {
        p: {
            "ms": round(speed[p], 3),
            "agreement": round(v.agreement, 5),
            "accuracy": None if v.accuracy is None else round(v.accuracy, 5),
            "accuracy_loss": None if v.accuracy_loss is None else round(v.accuracy_loss, 5),
            "windows": v.windows,
            "passed": v.passed,
        }
        for p, v in verdicts.items()
    }
    return Choice(best, "; ".join(told), evidence)


def _rejected(precision: str, speed: Mapping[str, float], verdict: Verdict, best: str) -> str:
    why = f"slower ({speed[precision]:.1f} ms)" if verdict.passed else verdict.reason
    return f"not {precision}: {why}"
