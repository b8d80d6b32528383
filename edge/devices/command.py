"""List cameras and microphones: names that stay, formats, rates, who holds them.

example:
  egoact devices
  egoact live --camera "C920" --mic "USB Audio"

A camera is best named by its link under /dev/v4l/by-id, which stays when
/dev/videoN changes. Cameras are opened for a moment and asked; nothing is
recorded.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from edge.devices.ask import ask
from edge.devices.cameras import Camera, list_cameras
from edge.devices.holders import HolderScan
from edge.devices.text import camera_lines, microphone_lines
from edge.errors import SourceError
from edge.sources.portaudio import list_microphones


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Returns 0, also when nothing is plugged in."""
    scan = HolderScan()
    cameras = list_cameras(ask=ask, holders=scan)
    microphone_problem = None
    try:
        microphones = list_microphones()
    except SourceError as error:
        microphones, microphone_problem = (), str(error)
    if args.json:
        print(
            json.dumps(
                {
                    "cameras": [camera_data(camera) for camera in cameras],
                    "hidden_processes": scan.hidden_processes,
                    "microphones": [asdict(microphone) for microphone in microphones],
                    "microphone_problem": microphone_problem,
                }
            )
        )
        return 0
    lines = [*camera_lines(cameras, scan.hidden_processes), "", *microphone_lines(microphones, microphone_problem)]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def camera_data(camera: Camera) -> dict[str, object]:
    """A camera as `--json` shows it."""
    formats = [
        {
            "fourcc": pixel_format.fourcc,
            "description": pixel_format.description,
            "modes": [
                {"width_px": mode.width, "height_px": mode.height, "rate_hz": mode.rate_hz or None}
                for mode in pixel_format.modes
            ],
        }
        for pixel_format in camera.formats
    ]
    return {**asdict(camera), "formats": formats}
