"""Every reader of files that others may have written: a whole file of its kind, and the call that reads it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.check import BASELINE, read_baseline
from calibration.scales import load_scales
from edge.annotations.label_map import read_label_map
from edge.annotations.read import read_truth
from edge.av_offset_file import stored_av_offset_ms
from edge.bench.report import read_report
from edge.bundle import MANIFEST, SHIPPED, load_bundle
from edge.recording.agreement import _read as read_moment
from edge.verify.run_store import RunStore
from tests.edge.snapshots import run_result

LABELS = ("idle", "cut", "pour")
OWN = 'video,start_s,end_s,label,narration\na.mp4,0.5,2,cut,"he cuts, slowly"\nb.mp4,1,3.25,pour,\n'
EPIC = (
    "narration_id,participant_id,video_id,narration,start_timestamp,stop_timestamp,verb,verb_class,noun,noun_class\n"
    "P01_01_0,P01,P01_01,cut bread,00:00:00.14,00:00:03.37,cut,7,bread,3\n"
    "P01_01_1,P01,P01_01,pour milk,00:00:04.00,00:00:05.50,pour,9,milk,12\n"
)
NARRATIONS = {
    "videos": {
        "aa-1": {
            "narration_pass_1": {
                "narrations": [
                    {"timestamp_sec": 1.5, "narration_text": "#C C cuts the bread"},
                    {"timestamp_sec": 4.0, "narration_text": "#C C pours milk"},
                ]
            }
        }
    }
}
MOMENTS = {
    "videos": [
        {
            "video_uid": "aa-1",
            "clips": [
                {
                    "clip_uid": "c-1",
                    "video_start_sec": 0.0,
                    "video_end_sec": 300.0,
                    "annotations": [
                        {
                            "annotator_uid": "x",
                            "labels": [
                                {
                                    "label": "cut_dough",
                                    "primary": True,
                                    "start_time": 1.0,
                                    "end_time": 2.0,
                                    "video_start_time": 1.0,
                                    "video_end_time": 2.0,
                                }
                            ],
                        }
                    ],
                }
            ],
        }
    ]
}
OFFSETS = {
    "schema": 1,
    "offsets": [{"camera": "cam", "microphone": "mic", "offset_ms": 41.5, "interval_ms": 4.0, "pairs": 10}],
}
REPORT = {"format": 1, "kind": "engines", "engines": [], "pipeline": [], "machine": {}, "notes": []}
MOMENT = {
    "format": 1,
    "from_start": True,
    "window": {"hop_frames": 16, "clip_rows": 3},
    "rows": [
        {"start_tick": 0, "label": "cut", "begins_seen": True},
        {"start_tick": 16, "label": "cut", "begins_seen": True},
    ],
}


class Reader(NamedTuple):
    """One kind of file."""

    name: str
    file: str
    """Where it lies in its folder."""
    make: Callable[[Path], None]
    """Write it, and what belongs to it, whole, into a folder."""
    read: Callable[[Path], Any]
    """Read it in that folder."""


def _text(file: str, content: str) -> Callable[[Path], None]:
    return lambda folder: _write(folder / file, content)


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def _bundle(folder: Path) -> None:
    """The shipped bundle, its graphs too; only the manifest is broken."""
    for file in SHIPPED.iterdir():
        shutil.copyfile(file, folder / file.name)


def _moment(folder: Path) -> None:
    _write(folder / "moment.json", json.dumps(MOMENT))
    for name in ("appearance", "motion"):
        np.save(folder / f"{name}.npy", np.ones((2, 3), np.float32))


def _kept_run(folder: Path) -> None:
    RunStore(folder).save("kitchen.mp4", "f" * 64, run_result(8.0))


def _offset(folder: Path) -> float | None:
    return stored_av_offset_ms("cam", "mic")


KEPT_RUN = f"kitchen-mp4-{'f' * 16}.npz"
EDGE = (
    Reader("bundle.json", MANIFEST, _bundle, load_bundle),
    Reader(
        "scales",
        "video.scales.json",
        lambda folder: _write(folder / "video.scales.json", (SHIPPED / "video.scales.json").read_text()),
        lambda folder: load_scales(folder / "video.scales.json", SHIPPED / "video.onnx"),
    ),
    *(
        Reader(name, kind, _text(kind, text), lambda folder, kind=kind: read_truth(folder / kind, LABELS))
        for name, kind, text in (
            ("own CSV", "own.csv", OWN),
            ("EPIC CSV", "epic.csv", EPIC),
            ("Ego4D narrations", "n.json", json.dumps(NARRATIONS)),
            ("Ego4D moments", "m.json", json.dumps(MOMENTS)),
        )
    ),
    Reader("label map", "map.csv", _text("map.csv", "from,to\nslice,cut\ntip,pour\nlook,\n"),
           lambda folder: read_label_map(folder / "map.csv", LABELS)),
    Reader("av offsets", "egoact/av_offsets.json", _text("egoact/av_offsets.json", json.dumps(OFFSETS)), _offset),
    Reader("bench report", "bench.json", _text("bench.json", json.dumps(REPORT)),
           lambda folder: read_report(folder / "bench.json")),
    Reader("bench baseline", "baseline.json", lambda folder: _write(folder / "baseline.json", BASELINE.read_text()),
           lambda folder: read_baseline(folder / "baseline.json")),
    Reader("moment.json", "moment.json", _moment, read_moment),
    Reader("moment features", "motion.npy", _moment, read_moment),
    Reader("kept run", KEPT_RUN, _kept_run, lambda folder: RunStore(folder).load("kitchen.mp4", "f" * 64)),
)  # fmt: skip
