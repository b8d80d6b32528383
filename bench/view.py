"""What the terminal view costs beside running inference: processor time of its process, updates, label age.

In turns, as often as asked: a live run with the view (in tmux, full layout with the preview), then one without. Camera
and microphone play the built-in clip. Prints Markdown and one line of JSON. The view's process is the main one of a
live run, so the figure holds the supervisor too; the headless run shows what that takes alone.

example:
  python -m bench.view --seconds 25 --repeats 2
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from statistics import median

import numpy as np

from edge.bundle import SHIPPED, load_bundle
from edge.contract import Snapshot
from edge.demo import DEMO
from edge.live.plan import LivePlan, SensorPlan
from edge.live.screen import show_live
from edge.live.supervisor import Supervisor

DEVICES = "tests.edge.live.clip_devices"
COLUMNS, ROWS = 130, 40
SETTLE_S = 5.0
"""The view's start, and the engines' first rows, are not what hours of running are like."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seconds",
        type=float,
        default=25.0,
        help="length of each run, from its first label on; label ages count after 5 s",
    )
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--one", choices=("view", "headless"), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        args.out.write_text(json.dumps(_one(args.one, args.seconds)))
        return
    runs: list[dict[str, object]] = []
    for _ in range(args.repeats):
        runs += [_in_tmux("view", args.seconds), _in_tmux("headless", args.seconds)]
    print("| run | main process, % of a core | updates / s | ms / update | label age p50 / p95 ms | load |")
    print("|---|---|---|---|---|---|")
    for run in runs:
        age = run["label_age_ms"]
        ages = f"{age[0]:.0f} / {age[1]:.0f}" if isinstance(age, list) else "-"
        print(
            f"| {run['kind']} | {run['core_percent']:.1f} | {run['updates_a_s']:.1f} | {run['ms_an_update']:.1f} "
            f"| {ages} | {run['load']:.1f} |"
        )
    p95 = {kind: median(run["label_age_ms"][1] for run in runs if run["kind"] == kind) for kind in ("view", "headless")}  # type: ignore[index]
    print(f"\nlabel age p95, view less headless: {p95['view'] - p95['headless']:+.0f} ms (medians)")
    print(json.dumps(runs))


def _in_tmux(kind: str, seconds: float) -> dict[str, object]:
    """One run in a window of its own."""
    server = f"egoact-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.json"
        words = [sys.executable, "-m", "bench.view", "--one", kind, "--seconds", str(seconds), "--out", str(out)]
        window = ["-x", str(COLUMNS), "-y", str(ROWS), f"COLORTERM=truecolor {shlex.join(words)}"]
        subprocess.run(["tmux", "-L", server, "-f", "/dev/null", "new-session", "-d", *window], check=True)
        deadline_s = time.monotonic() + seconds + 120
        while not out.exists() or not out.read_text():
            if time.monotonic() > deadline_s:
                subprocess.run(["tmux", "-L", server, "kill-server"], check=False)
                raise RuntimeError("the run did not end")
            time.sleep(0.2)
        result: dict[str, object] = json.loads(out.read_text())
        return result


class _Looks:
    """Counts how often a snapshot was taken, from the first label on."""

    def __init__(self) -> None:
        self.count = 0
        self.ages_ms: dict[int, float] = {}
        """Of the labels that were seen once the start was over."""
        self.begun: tuple[float, float] | None = None
        """Wall and processor seconds at the first label."""

    def look(self, snapshot: Snapshot) -> Snapshot:
        if snapshot.prediction is not None:
            if self.begun is None:
                self.begun = time.monotonic(), time.process_time()
            self.count += 1
            if time.monotonic() - self.begun[0] > SETTLE_S:
                self.ages_ms[snapshot.prediction.row_index] = snapshot.prediction.label_age_ms
        return snapshot


def _one(kind: str, seconds: float) -> dict[str, object]:
    bundle = load_bundle(SHIPPED)
    clip = min(DEMO.glob("*.mp4"))
    with tempfile.TemporaryDirectory() as folder:
        go = Path(folder) / "go"
        go.write_text("60")
        arguments = (clip, bundle.window, go)
        sensors = (
            SensorPlan("video", "camera", f"{DEVICES}:ClipCamera", arguments),
            SensorPlan("audio", "microphone", f"{DEVICES}:ClipMicrophone", arguments),
        )
        supervisor, looks = Supervisor(LivePlan(bundle, sensors, threads=1)), _Looks()
        supervisor.start()
        if kind == "view":
            pictured = supervisor.pictured
            supervisor.pictured = lambda: looks.look(pictured())  # type: ignore[method-assign]
            show_live(supervisor, seconds)
        else:
            while looks.begun is None or time.monotonic() - looks.begun[0] < seconds:
                time.sleep(0.1)
                looks.look(supervisor.latest())
        ended = time.monotonic(), time.process_time()
        supervisor.stop()
        supervisor.wait()
    if supervisor.error is not None or supervisor.result is None or looks.begun is None:
        raise RuntimeError(f"the run failed: {supervisor.error}")
    wall_s, cpu_s = (after - before for after, before in zip(ended, looks.begun, strict=True))
    return {
        "kind": kind,
        "core_percent": 100 * cpu_s / wall_s,
        "updates_a_s": looks.count / wall_s,
        "ms_an_update": 1000 * cpu_s / looks.count,
        "label_age_ms": [float(age) for age in np.percentile(list(looks.ages_ms.values()), (50, 95, 99))],
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    main()
