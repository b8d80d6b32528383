"""Live labels from a camera and a microphone, for hours.

Nothing is written but what is asked for, and nothing is sent anywhere. Devices may come and go: labels go on with what
is left. In a terminal it shows the user interface; otherwise, or with --plain, one line a segment. Ctrl-C ends it.

example:
  egoact live --camera /dev/video0 --jsonl labels.jsonl
  egoact live --camera cam --serve 0.0.0.0:8000 --headless

'egoact devices' lists cameras and microphones. A camera is a device, a part of its name, or a network address.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path

from edge.bundle import SHIPPED, load_bundle
from edge.engines.start import BACKEND_CHOICES, check_precision
from edge.errors import UsageError
from edge.live.plan import MOMENTS, LivePlan, camera_plan, microphone_plan
from edge.live.session import ViewKind, run_live
from edge.precision import AUTO
from edge.serve.address import DEFAULT, WebAddress
from edge.sources.v4l2_choice import ANY_FORMAT, CameraWish

NONE = "none"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("--camera", required=True, metavar="ADDR", help="/dev/video0, a part of a name, rtsp://..., or none")
    add(
        "--camera-format",
        metavar="F",
        help="what it shall give: MJPG:1280x720@30 or a part of that (default: the least that loses nothing)",
    )
    add(
        "--camera-latency-ms",
        type=float,
        default=0.0,
        metavar="MS",
        help="exposure and readout, or the network's delay, taken off its times",
    )
    add("--mic", metavar="DEV", help="a microphone's name or number, or none (default: the default one, if any)")
    add("--mic-rate", type=int, metavar="HZ", help="its own rate, where a sound server hides it")
    add("--bundle", type=Path, default=SHIPPED, metavar="DIR", help="the model (default: the one that is built in)")
    add("--precision", default=AUTO, metavar="P", help="f32, bf16, int8, VIDEO+AUDIO, or auto (default)")
    add("--backend", choices=BACKEND_CHOICES, default=AUTO, help="auto: TensorRT where its plans are (default)")
    add("--threads", type=int, metavar="N", help="processor threads of the engines (default: all cores but one)")
    add("--jsonl", type=Path, metavar="FILE", help="append every prediction and segment to it, one JSON object a line")
    add("--record", type=Path, metavar="DIR", help="record picture and sound to files of 5 min, 4 GB at most")
    add(
        "--moments", type=Path, default=MOMENTS, metavar="DIR", help="where the key f saves a moment (default: moments)"
    )
    add("--duration-s", type=float, metavar="S", help="end by itself after S seconds")
    add(
        "--serve",
        nargs="?",
        const=DEFAULT,
        metavar="HOST:PORT",
        help=f"show it in a browser too (default: {DEFAULT}; elsewhere than on the loopback a token is needed)",
    )
    add("--plain", action="store_true", help="plain lines also in a terminal")
    add("--headless", action="store_true", help="print nothing but the summary at the end")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code. What a user can mend is raised as an EgoactError."""
    if args.threads is not None and args.threads < 1:
        raise UsageError(f"--threads {args.threads}: must be at least 1")
    if args.duration_s is not None and not args.duration_s > 0:
        raise UsageError(f"--duration-s {args.duration_s}: must be more than 0")
    if not math.isfinite(args.camera_latency_ms):
        raise UsageError(f"--camera-latency-ms {args.camera_latency_ms}: must be a number")
    if args.mic_rate is not None and not 8_000 <= args.mic_rate <= 384_000:
        raise UsageError(f"--mic-rate {args.mic_rate}: must be 8000 to 384000")
    if args.camera == NONE and args.mic == NONE:
        raise UsageError("--camera none and --mic none leave nothing to see or hear: name one of them")
    bundle = load_bundle(args.bundle)
    check_precision(bundle, args.precision, args.backend)  # what cannot be done is said before any device is opened
    sensors = []
    if args.camera != NONE:
        wish = CameraWish.parse(args.camera_format) if args.camera_format is not None else ANY_FORMAT
        sensors.append(camera_plan(args.camera, bundle.window, wish, args.camera_latency_ms))
    if args.mic != NONE:
        device = args.mic or ("default" if args.camera == NONE else None)
        sensors.append(microphone_plan(device, bundle.window, args.mic_rate))
    threads = args.threads or max(1, (os.cpu_count() or 1) - 1)
    files = {"jsonl": args.jsonl, "moments": args.moments, "record": args.record}
    plan = LivePlan(bundle, tuple(sensors), threads, args.precision, args.backend, **files)
    address = WebAddress.parse(args.serve) if args.serve is not None else None
    return run_live(plan, _view(args), args.duration_s, address)


def _view(args: argparse.Namespace) -> ViewKind:
    if args.headless:
        return "headless"
    return "tui" if sys.stdout.isatty() and sys.stdin.isatty() and not args.plain else "plain"
