"""Measure the constant offset between a camera and a microphone, and keep it for this pair.

Cameras stamp a picture some time after the light came in, sound servers deliver later than they
say. Make about ten events that are seen and heard, a second apart, in a quiet place: switch a
torch on with a click (--event flash, the more exact), or clap in front of the camera and keep
the hands together for a moment (--event clap). `egoact live` takes the offset into account from
then on.

One event is told to within half a frame (17 ms at 30 fps); the median of ten at random phases
to a few ms, plus the part of the exposure that the camera's stamps leave out.

example:
  egoact calibrate-av --camera /dev/video0 --mic default
  egoact calibrate-av --clip claps.mp4 --event clap
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from edge.av_offset import AvOffset, hint
from edge.av_offset_file import store_av_offset
from edge.av_recording import SPEC, AvRecording, clip_recording
from edge.errors import EgoactError, UsageError
from edge.sources.camera import open_camera
from edge.sources.microphone import Microphone
from edge.sources.native_noise import caught_noise
from edge.text import printable

ENOUGH_PAIRS = 12
"""With so many pairs that agree, a live measurement ends by itself."""

LOOK_S = 1.0
"""How often it is counted what was seen and heard so far."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    parser.add_argument("--camera", metavar="ADDRESS", help="as for 'egoact live'")
    parser.add_argument(
        "--mic", metavar="DEVICE", default="default", help="as for 'egoact live' (default: %(default)s)"
    )
    parser.add_argument("--mic-rate", type=int, metavar="HZ", help="the microphone's own rate, where it is known")
    parser.add_argument("--clip", type=Path, metavar="FILE", help="measure a recorded clip instead; nothing is kept")
    parser.add_argument(
        "--event", choices=("flash", "clap"), default="flash", help="what happens (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=30.0, metavar="S", help="at most so long (default: %(default)s)"
    )
    parser.add_argument("--pairs", type=int, default=8, metavar="N", help="needed at least (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code. What a user can mend is raised as an EgoactError."""
    if (args.camera is None) == (args.clip is None):
        raise UsageError("give --camera ADDRESS (with --mic DEVICE), or --clip FILE; 'egoact devices' lists devices")
    if args.pairs < 2 or args.seconds <= 0:
        raise UsageError("--pairs must be at least 2, and --seconds positive")
    if args.clip is not None:
        recording = clip_recording(args.clip)
        _report(args, recording, recording.offset(args.event, args.pairs), {"clip": str(args.clip)})
        return 0
    recording, camera, microphone = _record(args)
    measured = recording.offset(args.event, args.pairs)
    path = store_av_offset(camera, microphone, args.event, measured)
    _report(args, recording, measured, {"camera": camera, "microphone": microphone, "file": str(path)})
    return 0


def _record(args: argparse.Namespace) -> tuple[AvRecording, str, str]:
    """Record until there are enough pairs or the time is over; the names of both devices."""
    camera, microphone = open_camera(args.camera, SPEC), Microphone(args.mic, SPEC, args.mic_rate)
    recording, origin_ns = AvRecording(), time.monotonic_ns()
    if not args.json:
        print(f"Now {hint(args.event)}: {ENOUGH_PAIRS} times, about once a second. Ctrl-C gives up.", flush=True)
    # PortAudio prints from a thread of its own when a sound server dies; its error is raised here anyway.
    with caught_noise():
        try:
            microphone.open(origin_ns)
            camera.open(origin_ns)
            end_s = time.monotonic() + args.seconds
            look_s = time.monotonic() + LOOK_S
            while time.monotonic() < end_s:
                for event in (*camera.read(0.05), *microphone.read(0.0)):
                    recording.add(event)
                if time.monotonic() > look_s:
                    look_s = time.monotonic() + LOOK_S
                    if _enough(args, recording):
                        break
            return recording, camera.facts().device, microphone.facts().device
        finally:
            microphone.close()
            camera.close()
            if not args.json and sys.stdout.isatty():
                print()


def _enough(args: argparse.Namespace, recording: AvRecording) -> bool:
    try:
        measured = recording.offset(args.event, max(2, args.pairs))
    except EgoactError as error:
        progress = str(error).split(" pairs", 1)[0] + " pairs"
        done = False
    else:
        progress = f"{measured.pairs} pairs, {measured.offset_ms:+.0f} ms"
        done = measured.pairs >= max(ENOUGH_PAIRS, args.pairs)
    if not args.json and sys.stdout.isatty():
        print(f"\r{progress}\x1b[K", end="", flush=True)
    return done


def _report(args: argparse.Namespace, recording: AvRecording, measured: AvOffset, where: dict[str, str]) -> None:
    frame_ms = recording.picture.frame_interval_s * 1e3
    if args.json:
        print(json.dumps({**where, "event": args.event, **measured._asdict(), "frame_interval_ms": round(frame_ms, 2)}))
        return
    later = "the picture comes later than the sound" if measured.offset_ms > 0 else "the picture comes before the sound"
    for name in ("camera", "microphone", "clip"):
        if name in where:
            print(f"{name:<10}  {printable(where[name])}")
    print(f"offset      {measured.offset_ms:+.1f} ms ± {measured.interval_ms:.1f} ms (95 %): {later}")
    counts = f"{measured.pairs} of {measured.seen} seen and {measured.heard} heard"
    print(f"pairs       {counts}, spread {measured.spread_ms:.1f} ms")
    print(f"frames      {frame_ms:.1f} ms apart: one event is told to within ± {frame_ms / 2:.0f} ms")
    if "file" in where:
        print(f"kept in     {printable(where['file'])}; 'egoact live' takes it into account")
