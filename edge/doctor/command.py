"""Check this machine: what is there, what is missing, and how to mend it.

example:
  egoact doctor
  egoact doctor --bundle runs/mine --record /media/card/recordings --json

Reads only, and opens no network. Each problem comes with the one command that
mends it. The exit code is 0 when egoact live would work, 1 when something that
it needs is broken; warnings are no failures.

--json prints {"ready": true or false, "groups": [{"title", "findings":
[{"name", "state", "value", "mend"}]}]}; states are ok, warning, broken, unknown.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edge.bundle import SHIPPED
from edge.doctor import accelerator, agreement, machine, model, power, processor, sensors, software
from edge.doctor.finding import Check, run_checks
from edge.doctor.host import this_host
from edge.doctor.text import is_ready, report_data, report_lines
from edge.plain import colour_wanted

CHECKS = (
    Check("software", "egoact", software.egoact),
    Check("software", "Python", software.python),
    Check("software", "libraries", software.libraries),
    Check("software", "OpenCV", software.opencv),
    Check("software", "OpenVINO", software.openvino),
    Check("software", "Textual", software.textual),
    Check("software", "PortAudio", software.portaudio),
    Check("computing", "board", power.jetson),
    Check("computing", "processor", processor.processor),
    Check("computing", "memory", processor.memory),
    Check("computing", "CUDA", accelerator.cuda),
    Check("computing", "TensorRT", accelerator.tensorrt),
    Check("computing", "CUDA Python", accelerator.cuda_python),
    Check("computing", "power mode", power.power_mode),
    Check("computing", "clocks", power.clocks),
    Check("computing", "heat", power.heat),
    Check("model", "bundle", model.bundle),
    Check("model", "plans", model.plans),
    Check("model", "precision", processor.auto_precision),
    Check("model", "agreement", agreement.agreement),
    Check("camera and microphone", "camera", sensors.cameras),
    Check("camera and microphone", "microphone", sensors.microphones),
    Check("surroundings", "disk", machine.disk),
    Check("surroundings", "terminal", machine.terminal),
    Check("surroundings", "clock", machine.clock),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("--bundle", type=Path, default=SHIPPED, metavar="DIR", help="the model (default: the one that is built in)")
    add("--record", type=Path, default=Path(), metavar="DIR", help="where recordings would go (default: this folder)")
    add("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Returns 0 when `egoact live` would work, else 1."""
    groups = run_checks(CHECKS, this_host(args.bundle, args.record))
    if args.json:
        print(json.dumps(report_data(groups), indent=2))
    else:
        colour = sys.stdout.isatty() and colour_wanted()
        text = "\n".join(report_lines(groups, colour=colour)) + "\n"
        # A terminal in the C locale must not stop the doctor over one letter.
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    return 0 if is_ready(groups) else 1
