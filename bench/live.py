"""Live on a rig without hardware against a replay of the same clip at real pace: label age, frame age, recoveries.

In turns, as often as asked: a live run (shim camera, virtual microphone), then a replay in real time, both with the
same bundle, precision and threads. Then, in one more live run, faults: how long until they are seen, and after their
end until a label uses the device again. Prints Markdown and one line of JSON.

example:
  python -m bench.live --seconds 60 --repeats 2
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from bench.live_rig import Rig, covered, rig
from edge.bundle import SHIPPED, Bundle, load_bundle
from edge.contract import Modality, Snapshot
from edge.demo import DEMO
from edge.engines.load import load_engines
from edge.pipeline import Pipeline
from edge.precision import choose, temperature
from edge.recognizer import MIN_COVERAGE, Recognizer
from edge.sensor_status import SensorStatus
from edge.sources.replay import ReplaySource

Percentiles = tuple[float, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each run")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--faults", type=int, default=5, help="times that each fault is played")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="auto")
    args = parser.parse_args()
    clip, bundle = min(DEMO.glob("*.mp4")), load_bundle(SHIPPED)
    live, replayed, figures = [], [], {}
    for _ in range(args.repeats):
        ages, figures = _live(clip, bundle, args)
        live += ages
        replayed += _replay(clip, bundle, args)
    faults = _faults(clip, bundle, args) if args.faults else {}
    print("| label age (ms) | p50 | p95 | p99 | labels |\n|---|---|---|---|---|")
    for name, ages in (("live", live), ("replay at real pace", replayed)):
        print(f"| {name} | {' | '.join(f'{ms:.0f}' for ms in _percentiles(ages))} | {len(ages)} |")
    for name, value in figures.items():
        print(f"\n{name}: {value}")
    print("\n| fault | seen after (s), median, max | used again after (s), median, max |\n|---|---|---|")
    for name, (seen_s, again_s) in faults.items():
        print(f"| {name} | {_median_max(seen_s)} | {_median_max(again_s)} |")
    data = {"live": _percentiles(live), "replay": _percentiles(replayed), "figures": figures, "faults": faults}
    print(json.dumps(data))


def _live(clip: Path, bundle: Bundle, args: argparse.Namespace) -> tuple[list[float], dict[str, object]]:
    with tempfile.TemporaryDirectory() as name:
        jsonl = Path(name) / "labels.jsonl"
        with rig(clip, Path(name), bundle, threads=args.threads, precision=args.precision, jsonl=jsonl) as running:
            time.sleep(args.seconds)
            camera, microphone = running.supervisor.latest().sensors
        lines = [json.loads(line) for line in jsonl.read_text().splitlines()]
    result = running.supervisor.result
    assert result is not None, running.supervisor.error
    t = result.telemetry
    figures: dict[str, object] = {
        "frame age at capture (ms) p50, p95, p99": _rounded(camera.age_ms),
        "sound age at capture (ms) p50, p95, p99": _rounded(microphone.age_ms),
        "frames": f"{t.captured_frames} captured = {t.used_frames} used + {t.dropped_frames} dropped",
        "rows skipped": t.skipped_rows,
        "camera frames lost": camera.lost,
        "samples lost": microphone.lost,
    }
    predictions = [line for line in lines if line["type"] == "prediction" and line["audio_coverage"] > 0.9]
    return [line["label_age_ms"] for line in predictions], figures


def _replay(clip: Path, bundle: Bundle, args: argparse.Namespace) -> list[float]:
    precisions = choose(bundle, args.precision)
    engines = load_engines(bundle, precisions, threads=args.threads)
    recognizer = Recognizer(bundle, engines, temperature=temperature(bundle, precisions))
    pipeline = Pipeline(ReplaySource(clip, bundle.window, "realtime"), recognizer, pace="realtime")
    result = pipeline.run()
    engines.close()
    return [prediction.label_age_ms for prediction in result.predictions]


def _faults(clip: Path, bundle: Bundle, args: argparse.Namespace) -> dict[str, tuple[list[float], list[float]]]:
    """Name of the fault -> (seconds until it was seen, seconds from its end until a label used the device again)."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    options = {"threads": args.threads, "precision": args.precision, "jsonl": None}
    with tempfile.TemporaryDirectory() as name, rig(clip, Path(name), bundle, **options) as running:
        for fault in ("unplugged", "stalled", "hung"):
            found[f"camera {fault}"] = _repeat(
                running, "video", args.faults, lambda f=fault: running.fault(f), lambda f=fault: running.mend(f)
            )
        found["sound server gone"] = _repeat(running, "audio", args.faults, running.sound.kill, running.sound.start)
    return found


def _repeat(
    running: Rig, modality: Modality, times: int, begin: Callable[[], None], end: Callable[[], None]
) -> tuple[list[float], list[float]]:
    seen_s, again_s = [], []
    index = 0 if modality == "video" else 1
    for _ in range(times):
        begin()
        seen_s.append(running.until(lambda s: _sensor(s, modality).state != "running"))
        running.until(lambda s: covered(s)[index] < MIN_COVERAGE)
        end()
        again_s.append(running.until(lambda s: covered(s)[index] >= MIN_COVERAGE))
        running.until(lambda s: covered(s)[index] > 0.99)
    return seen_s, again_s


def _sensor(snapshot: Snapshot, modality: Modality) -> SensorStatus:
    return next(sensor for sensor in snapshot.sensors if sensor.modality == modality)


def _percentiles(ages_ms: list[float]) -> Percentiles:
    return tuple(round(float(ms), 1) for ms in np.percentile(ages_ms, [50, 95, 99]))


def _rounded(values: Percentiles | None) -> Percentiles | None:
    return values and tuple(round(value, 1) for value in values)


def _median_max(values: list[float]) -> str:
    return f"{median(values):.2f}, {max(values):.2f}"


if __name__ == "__main__":
    main()
