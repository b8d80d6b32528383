"""The rolling recording in a process of its own: killed, and refused by the kernel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.edge.recording.playing import files, play

CHILD = """
import resource, sys, time
from pathlib import Path
from edge.recording.disk_budget import DiskBudget
from edge.recording.rolling import RollingRecorder
from tests.edge.recording.streams import noisy_stream
from tests.tiny_bundle import SPEC

folder, limit = Path(sys.argv[1]), int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
said = []
recorder = RollingRecorder(folder, SPEC, DiskBudget(folder, 10**12, 0), segment_s=3600, say=said.append)
frames, sound = noisy_stream(SPEC, 300)
for frame, block in zip(frames, sound[:: len(sound) // 300]):
    recorder.frame(frame)
    while recorder.state.waiting > 5:
        time.sleep(0.001)
    print(recorder.state.frames, flush=True)
    if not limit:
        time.sleep(0.01)
if limit:
    recorder.close(30)
    print(said)
"""


def child(folder: Path, limit: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(folder), str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_killed_process_leaves_a_readable_file(tmp_path: Path) -> None:
    process = child(tmp_path, 0)
    assert process.stdout is not None
    written = 0
    while written < 150:
        written = int(process.stdout.readline())
    process.kill()
    process.communicate()
    pictures, _, _ = play(files(tmp_path)[0])
    assert len(pictures) >= written - 60, "at most two seconds are lost"


def test_a_real_error_of_the_file_system(tmp_path: Path) -> None:
    """A limit on the size of files: the kernel refuses to write on, as on a full disk."""
    process = child(tmp_path, 60_000)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.splitlines()[-1] == "['recording paused: File too large; labels go on']"
    assert files(tmp_path)[0].stat().st_size == 60_000
    assert len(play(files(tmp_path)[0])[0]) >= 15
