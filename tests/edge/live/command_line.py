"""`egoact live` as users call it, with synthetic devices behind its addresses:

python -m tests.edge.live.command_line CONTROL --camera X ...
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import edge.live.command as command
from edge.cli import main
from edge.contract import WindowSpec
from edge.live.plan import SensorPlan

MODULE = "tests.edge.live.synthetic"


def with_synthetic_devices(control: Path) -> None:
    def camera(address: str, spec: WindowSpec, *_: object) -> SensorPlan:
        return SensorPlan("video", address, f"{MODULE}:SyntheticCamera", (spec, control))

    def microphone(device: str | None, spec: WindowSpec, *_: object) -> SensorPlan:
        return SensorPlan("audio", device or "default", f"{MODULE}:SyntheticMicrophone", (spec, control))

    command.camera_plan, command.microphone_plan = camera, microphone


if __name__ == "__main__":
    # Whoever runs the tests in the background hands down ignored signals, which `egoact live` respects.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with_synthetic_devices(Path(sys.argv[1]))
    sys.exit(main(["live", *sys.argv[2:]]))
