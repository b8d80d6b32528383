"""The commands that write, on a miniature of everything that they read, and what their results must equal."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edge.bundle import SHIPPED, Thresholds, load_bundle
from edge.cli import main
from tests.argo1m_files import Argo1mFiles, write_argo1m
from tests.export.heads import write_head
from tests.faults.product_bundle import make_product_bundle
from tests.media import make_clip
from tests.tiny_bundle import make_bundle
from tests.trainer.narration.clip_tables import write_clips
from tests.trainer.narration.test_rate_local import write_pairs
from tests.trainer.tables.toy import write_own, write_world
from tests.trainer.weights.checkpoints import write_beats
from trainer.features.ego4d import APPEARANCE, MOTION

SMALL = ("--hidden", "16", "--width", "8", "--threads", "1", "--device", "cpu")
ONE = ("--threads", "1", "--device", "cpu")
PAIRS = 24


Command = Callable[["Data", Path], list[object]]
"""The arguments of a command that writes to a folder."""


class Data:
    """What the commands read, each part made when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = "http://127.0.0.1:9/v1"
        """Of a language model."""

    def whole(self, command: Command) -> Path:
        """The folder that has `out` of an undisturbed run."""
        folder = self.folder / "whole" / command.__name__
        if not folder.exists():
            folder.mkdir(parents=True)
            assert main([str(part) for part in command(self, folder / "out")]) == 0
        return folder

    @cached_property
    def argo1m(self) -> Argo1mFiles:
        return write_argo1m(self.folder / "argo1m", clips_per_domain=2)

    @cached_property
    def own(self) -> tuple[Path, Path]:
        return write_own(self.folder / "own")

    @cached_property
    def world(self) -> tuple[Path, Path]:
        return write_world(self.folder / "world")

    @cached_property
    def ego4d(self) -> Path:
        folder = self.folder / "ego4d"
        folder.mkdir()
        rng = np.random.default_rng(0)
        for number in range(4):
            rows = rng.random((3, APPEARANCE + MOTION), np.float32)
            torch.save(torch.from_numpy(rows), folder / f"video{number}.pt")
        return folder

    @cached_property
    def run(self) -> Path:
        return self.whole(train) / "out"

    @cached_property
    def clips(self) -> Path:
        """Six clips with tones, and a table of what happens in them."""
        folder = self.folder / "clips"
        folder.mkdir()
        for name in "abcdef":
            make_clip(folder / f"{name}.mp4", seconds=3.0, size=(48, 32), audio="tone")
        rows = [f"{name}.mp4,0.1,3,loud,Kitchen,{name},cuts" for name in "abcdef"]
        (folder / "clips.csv").write_text("video,start_s,end_s,label,scenario,location,narration\n" + "\n".join(rows))
        return folder

    @cached_property
    def tiny(self) -> Path:
        return make_bundle(self.folder / "tiny", thresholds=Thresholds(on=0.999, off=0.99)).path

    @cached_property
    def beats(self) -> tuple[Path, Path]:
        """A tiny BEATs of four sounds, and their names."""
        names = self.folder / "sounds.csv"
        with names.open("w", newline="") as file:
            rows = [(i, f"/m/{i}", name) for i, name in enumerate(("Water", "Chop", "Knock", "Saw"))]
            csv.writer(file).writerows([("index", "mid", "display_name"), *rows])
        path = write_beats(self.folder / "beats.pt", 4)
        content = torch.load(path, weights_only=True)
        torch.save({**content, "label_dict": {i: f"/m/{i}" for i in range(4)}}, path)
        return path, names

    @cached_property
    def pairs(self) -> Path:
        return write_clips(self.folder / "pairs.csv", PAIRS)

    @cached_property
    def matched(self) -> Path:
        return write_pairs(self.folder / "matched.csv", each=6)

    @cached_property
    def head(self) -> Path:
        shipped = load_bundle(SHIPPED)
        spec = {name: {"name": "small", "sha256": shipped.sha256[f"{name}.onnx"]} for name in ("video", "audio")}
        return write_head(self.folder / "head", (512, 128, 192), spec)

    @cached_property
    def uncalibrated(self) -> Path:
        return make_product_bundle(self.folder / "uncalibrated").path

    @cached_property
    def many_clips(self) -> Path:
        """As many as a calibration needs."""
        folder = self.folder / "many"
        folder.mkdir()
        for number in range(16):
            tone = {"audio": "tone", "frequency_hz": 200.0 + 150 * number}
            make_clip(folder / f"{number:02d}.mp4", seconds=2.5, size=(48, 32), **tone)
        return folder


def features(data: Data, out: Path) -> list[object]:
    backbones = ["--video", "small", "--audio", "small", "--bundle", data.tiny]
    return ["features", data.clips, "--out", out, *backbones, "--threads", 1]


def imported(data: Data, out: Path) -> list[object]:
    return ["features", "--import-ego4d", data.ego4d, "--out", out]


def pack(data: Data, out: Path) -> list[object]:
    return ["data", "pack", data.argo1m.csv_folder, "--features", data.argo1m.pt_folder, "--out", out]


def narrations(data: Data, out: Path) -> list[object]:
    return ["narrations", data.argo1m.csv_folder, "--hashed", "--out", out, "--device", "cpu"]


def narrate(data: Data, out: Path) -> list[object]:
    weights, names = data.beats
    captioner = ["--captioner", "audioset", "--model", weights, "--names", names]
    return [
        "narrate",
        data.clips / "clips.csv",
        "--videos",
        data.clips,
        "--out",
        out / "narrated.csv",
        *captioner,
        *ONE,
    ]


def rate(data: Data, out: Path) -> list[object]:
    server = ["--rater", "server", "--server", data.server, "--model", "tiny", "--concurrency", 3]
    return ["rate", data.pairs, "--out", out / "rated.csv", *server, "--pause-s", 0.01, *ONE]


def rate_train(data: Data, out: Path) -> list[object]:
    given = ["--encoder", "hashed", "--group-prefix", 3, "--steps", 5, "--threads", 1]
    return ["rate-train", data.matched, "--out", out / "rater.safetensors", *given]


def train(data: Data, out: Path) -> list[object]:
    csv_path, store = data.own
    return ["train", csv_path, "--features", store, "--out", out, "--epochs", 3, "--save-every", 0, "--resume", *SMALL]


def tables(data: Data, out: Path) -> list[object]:
    chosen = ["--splits", "Co-Cat,Sp-Bri", "--seeds", 1, "--epochs", 1, "--workers", 1]
    return ["tables", 4, data.world[0], "--features", data.world[1], "--out", out, *chosen]


def tables_of_workers(data: Data, out: Path) -> list[object]:
    return [*tables(data, out), "--workers", 2]


def world_of_workers(data: Data, out: Path) -> list[object]:
    two = ["--domain", "Cooking/Tokyo", "--domain", "Cooking/Catania", "--workers", 2]
    return ["world", "--out", out, "--duration-s", 5, *two]


def evaluate(data: Data, out: Path) -> list[object]:
    out.mkdir(parents=True, exist_ok=True)
    confusion = ["--confusion", out / "confusion.csv", "--device", "cpu"]
    return ["evaluate", data.run, data.own[0], "--features", data.own[1], *confusion]


def export(data: Data, out: Path) -> list[object]:
    return ["export", data.head, "--out", out, "--threads", 1]


def calibrate(data: Data, out: Path) -> list[object]:
    few = ["--windows", 8, "--hold-out-windows", 16, "--min-agreement", 1, "--max-loss", 100, "--audit", "--cpu-only"]
    return ["calibrate", data.uncalibrated, "--clips", data.many_clips, "--out", out, *few, "--threads", 1]


def replay(data: Data, out: Path) -> list[object]:
    given = [data.clips, "--bundle", data.tiny, "--annotations", data.clips / "clips.csv", "--threads", 1]
    given += ["--label-age-ms", 20]
    return ["replay", *given, "--report", out, "--export", out / "export", "--jsonl", f"{out}.jsonl"]


def tune(data: Data, out: Path) -> list[object]:
    given = ["--clips", data.clips, "--annotations", data.clips / "clips.csv", "--threads", 1]
    return ["tune", data.tiny, *given, "--out", out]


def world(data: Data, out: Path) -> list[object]:
    return ["world", "--out", out, "--domain", "Cooking/Tokyo", "--duration-s", 10, "--workers", 1]


@dataclass(frozen=True)
class Case:
    """A command, and what disturbs it."""

    command: Command
    too_few_bytes: int
    """A disk on which it cannot end."""
    is_quick: bool = True

    @property
    def name(self) -> str:
        return self.command.__name__


TRAINER = (Case(imported, 40_000), Case(pack, 40_000), Case(narrations, 20_000), Case(tables, 3_000, is_quick=False))
NAMED = (
    Case(features, 200, is_quick=False),
    Case(narrate, 100),
    Case(rate, 2_000, is_quick=False),
    Case(train, 8_000, is_quick=False),
    Case(calibrate, 40_000, is_quick=False),
    Case(export, 400_000, is_quick=False),
    Case(replay, 10_000, is_quick=False),
)
"""Those that must survive fifty kills."""
OTHERS = (Case(tune, 1_000, is_quick=False), Case(rate_train, 1_000))
WORKERS = (Case(tables_of_workers, 0), Case(world_of_workers, 0))
"""What they start must end by itself when they alone are killed; for features see `test_ray_pool.py`."""
CASES = (*NAMED, *TRAINER, *OTHERS)


def pairs(disk: str, cases: Sequence[Case]) -> list[Any]:
    """Parameters (case, kind of disk), on `disk` and on a tmpfs; of what is not quick most are slow tests."""
    slow = pytest.mark.slow
    found = []
    for case in cases:
        for kind in (disk, "tmpfs"):
            leave = not case.is_quick and (kind == "tmpfs" or case.command is calibrate)
            found.append(pytest.param(case, kind, marks=[slow] if leave else [], id=f"{case.name}-{kind}"))
    return found
