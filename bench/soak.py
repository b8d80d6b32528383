"""A long live run on a rig without hardware: does any process grow, in memory or in descriptors, and is every frame
and every sample of sound accounted for?

`egoact live` as users start it, with the shim's camera and a sound server's microphone; `egoact bench --soak` needs
neither and leaves out their drivers. Both measure and judge alike. Exits with 1 when there is a problem.

example:
  python -m bench.soak --minutes 60
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.live_rig import devices
from edge.bench.memory_growth import ProcessSample
from edge.bench.soak import Verdict, judge, verdict_lines, watch
from edge.contract import Telemetry
from edge.demo import DEMO
from tests.capture.shim import DEVICE

_LOST_SOUND = re.compile(r"samples delivered, ([0-9]+) lost")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="auto")
    args = parser.parse_args()
    if args.minutes < 2:
        parser.error("--minutes: less than 2 say nothing about growth")
    seconds, clip = 60 * args.minutes, min(DEMO.glob("*.mp4"))
    with tempfile.TemporaryDirectory() as name, devices(clip, Path(name)) as (_, server):
        jsonl = Path(name) / "labels.jsonl"
        command = [sys.executable, "-m", "edge.cli", "live", "--camera", DEVICE, "--mic", server.device, "--headless"]
        options = ["--threads", str(args.threads), "--precision", args.precision, "--jsonl", str(jsonl)]
        run = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        _wait_for_labels(run, jsonl)
        pids = {"main": run.pid, **children_of(run.pid)}
        samples = watch(pids, seconds, lambda: run.poll() is None)
        replaced = {"main": run.pid, **children_of(run.pid)} != pids
        run.terminate()
        out, _ = run.communicate(timeout=60)
        closing = json.loads(jsonl.read_text().splitlines()[-1])
    verdict, sound = judge_run(samples, closing, replaced=replaced)
    print("\n".join([*verdict_lines(verdict), f"sound       {sound}"]))
    print(out)
    return 1 if verdict.problems else 0


def judge_run(
    samples: Mapping[str, Sequence[ProcessSample]], closing: Mapping[str, Any], *, replaced: bool
) -> tuple[Verdict, str]:
    """What is wrong, if anything, and what became of the sound.

    Args:
        closing: the last line of the run's JSON lines.
    """
    if closing["type"] != "run":
        raise SystemExit("bench.soak: the run did not close its file")
    frames, age = closing["frames"], closing["label_age_ms"]
    account = Telemetry(
        captured_frames=frames["captured"],
        used_frames=frames["used"],
        dropped_frames=frames["dropped"],
        rows=closing["predictions"],
        label_age_ms=age and (age["p50"], age["p95"], age["p99"]),
    )
    verdict = judge(samples, account, replaced=replaced)
    lost = [found[1] for note in closing["notes"] if (found := _LOST_SOUND.search(note))]
    if lost == ["0"]:
        return verdict, "none lost"
    sound = f"{lost[0]} samples lost" if lost else "not accounted for"
    return replace(verdict, problems=(*verdict.problems, f"sound: {sound}")), sound


def children_of(pid: int) -> dict[str, int]:
    """Processes of a live run by their names."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            arguments = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            found[arguments[5].decode()] = int(child)
    return found


def _wait_for_labels(run: subprocess.Popen[str], jsonl: Path) -> None:
    while not jsonl.exists() or '"prediction"' not in jsonl.read_text():
        if run.poll() is not None:
            raise SystemExit("bench.soak: the run did not start")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
