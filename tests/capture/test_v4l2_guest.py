"""The V4L2 camera on the kernel's own driver and its own test camera (vivid), in a virtual machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.capture.guest import missing_programs, run_in_guest

ROOT = Path(__file__).parents[2]
TICK_NS = 1e9 / 30


def child(name: str, address: str, seconds: float, **task: Any) -> str:
    """Shell words that watch a camera and print 'NAME {report}'."""
    defaults = {"timeout_s": 0.2, "busy_s": 0.0, "reopen": False, "origin_ago_s": 0.0, "wishes": {}}
    words = json.dumps({"address": address, "folder": "/tmp", "seconds": seconds, **defaults, **task})
    return f"echo {name} \"$({sys.executable} -m tests.capture.camera_child '{words}')\""


@pytest.mark.slow
@pytest.mark.skipif(bool(missing_programs()), reason=f"needs {', '.join(missing_programs())}")
def test_the_kernels_test_camera(tmp_path: Path) -> None:
    task = f"""
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
cd {ROOT}
{child("whole", "vivid", 4, wishes={"fourcc": "YUYV"})}
{child("unplugged", "/dev/video0", 45, reopen=True)} > /tmp/second &
until [ -e /tmp/streaming ]; do sleep 0.3; {sys.executable} -c '
import sys; sys.path.insert(0, "{ROOT}")
from pathlib import Path
from edge.sources.v4l2_nodes import find_holders
if find_holders(Path("/dev/video0")): Path("/tmp/streaming").touch()'; done
sleep 3
{child("busy", "/dev/video0", 1)}
echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind
sleep 2
echo vivid.0 > /sys/bus/platform/drivers/vivid/bind
wait
cat /tmp/second
"""
    said = run_in_guest(task, {"vivid": "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0"}, tmp_path)
    reports = dict(line.split(" ", 1) for line in said.splitlines() if line.startswith(("whole", "unplugged", "busy")))
    whole, unplugged, busy = (json.loads(reports[name]) for name in ("whole", "unplugged", "busy"))

    assert not whole["errors"]
    assert whole["facts"]["format"] == "YUYV 320x180 @ 30 Hz"
    assert "vivid" in whole["facts"]["device"]
    assert len(whole["frames"]) > 60
    assert np.all(np.diff([tick for tick, _, _ in whole["frames"]]) >= 1)
    assert all(t_ns <= read_ns for _, t_ns, read_ns in whole["frames"])  # vivid's own stamps lie in the future

    ((kind, message, _),) = busy["errors"]
    assert kind == "SourceError"
    assert "/dev/video0: in use by python" in message

    assert {kind for kind, _, _ in unplugged["errors"]} == {"DeviceLostError"}
    assert "unplugged or reset" in unplugged["errors"][0][1]
    assert len(unplugged["opened_s"]) == 2
    assert unplugged["frames"][-1][1] / 1e9 > unplugged["opened_s"][1]
