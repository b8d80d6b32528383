"""Calibrate a bundle: activation ranges from real clips, INT8 and FP16 flavours, and per engine the precision to use.

Half of the clips give the ranges, the other half judges: a precision is chosen only when its top label agrees with
FP32's and, with an annotation, its accuracy holds. Layers that INT8 ruins are found and kept in floating point.

example:
  egoact calibrate bundles/kitchen --clips clips/ --annotations clips.csv --audit
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from calibration.gate import Gate
from calibration.observers import METHODS
from edge.errors import UsageError
from export.calibrate import calibrate
from export.calibration_clips import calibration_clips
from export.calibration_report import DEFAULT_METHOD, CalibrateOptions, report_data, report_lines


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("bundle", type=Path, metavar="BUNDLE", help="folder of the bundle")
    add("--clips", type=Path, nargs="+", required=True, metavar="CLIP", help="recorded clips, or folders of them")
    add("--annotations", type=Path, metavar="CSV", help="balance the windows by domain and label, and judge accuracy")
    add("--hold-out", type=Path, nargs="+", default=[], metavar="CLIP", help="judge on these (default: half the clips)")
    add("--out", type=Path, metavar="DIR", help="the calibrated bundle (default: in place of BUNDLE)")
    add("--method", choices=METHODS, default=DEFAULT_METHOD, help=f"of the ranges (default: {DEFAULT_METHOD})")
    add("--windows", type=int, default=64, metavar="N", help="windows to measure ranges on (default: 64)")
    add("--hold-out-windows", type=int, default=400, metavar="N", help="windows to judge on (default: 400)")
    add("--min-agreement", type=float, default=99.0, metavar="PERCENT", help="with FP32's top label (default: 99)")
    add("--max-loss", type=float, default=0.5, metavar="POINTS", help="of accuracy (default: 0.5)")
    add("--audit", action="store_true", help="rank the layers also when the gate passes")
    add("--reuse-scales", action="store_true", help="take the ranges from the bundle's scales files")
    add("--cpu-only", action="store_true", help="do not judge the TensorRT flavours (slow: in ONNX Runtime)")
    add("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    add("--json", action="store_true", help="print one JSON object at the end")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code. What a user can mend is raised as an EgoactError."""
    if min(args.windows, args.hold_out_windows, 1 if args.threads is None else args.threads) < 1:
        raise UsageError("--windows, --hold-out-windows and --threads must be at least 1")
    if not 0 <= args.min_agreement <= 100 or args.max_loss < 0:
        raise UsageError("--min-agreement lies between 0 and 100, and --max-loss is not negative")
    options = CalibrateOptions(
        bundle=args.bundle,
        out=args.out or args.bundle,
        method=args.method,
        windows=args.windows,
        hold_out_windows=args.hold_out_windows,
        annotations=args.annotations,
        gate=Gate(args.min_agreement / 100, args.max_loss / 100),
        audit=args.audit,
        reuse_scales=args.reuse_scales,
        cpu_only=args.cpu_only,
        threads=args.threads,
    )
    clips = calibration_clips(args.clips, args.annotations, args.hold_out)
    report = calibrate(options, clips, lambda line: print(line, file=sys.stderr, flush=True))
    print(json.dumps(report_data(report)) if args.json else "\n".join(report_lines(report)))
    return 0
