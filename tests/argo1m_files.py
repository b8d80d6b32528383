"""Files in exactly ARGO1M's formats with made-up contents: CSV in three header styles, `<uid>.pt`, `.beton`, manifest.

Nothing of Ego4D or ARGO1M is in them. Features of a row depend on its video and number alone (`feature_row`), so that
tests can tell which row was read. `FAULTS` plants one fault each into files that are right.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from tests.beton_file import beton_bytes
from trainer.data.argo1m import LOCATIONS, SCENARIOS, VERBS, Split, split_named

Style = Literal["readme", "code", "raw"]
"""Columns as the README lists them, as the released code reads them, as the raw dump had them."""
WIDTH = 2304


@dataclass(frozen=True)
class Clip:
    """One row of a CSV file."""

    uid: str
    label: int
    scenario: int
    location: int
    start: int
    end: int
    narration: str
    noun: str = "cup"
    audio_narration: str = ""
    consistency: float = 1.0

    @property
    def timeframe(self) -> int:
        """Some frame of the first row's own 16."""
        return self.start * 16 + zlib.crc32(self.narration.encode()) % 16


@dataclass
class Argo1mFiles:
    """A folder of everything that belongs to one split."""

    folder: Path
    split: Split
    style: Style
    parts: dict[str, list[Clip]]
    video_rows: dict[str, int]
    """Feature rows of every video."""

    @property
    def csv_folder(self) -> Path:
        return self.folder / "csv"

    @property
    def pt_folder(self) -> Path:
        return self.folder / "pt"

    @property
    def beton_folder(self) -> Path:
        return self.folder / "beton"

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.csv"

    def csv(self, part: str) -> Path:
        return self.csv_folder / f"{self.split.code}_{part}.csv"

    def beton(self, part: str) -> Path:
        return self.beton_folder / f"{self.split.stem}_{part}.beton"

    def rewrite(self, part: str, clips: Sequence[Clip]) -> None:
        """Write a part's CSV anew."""
        write_csv(self.csv(part), clips, self.style)


def write_argo1m(
    folder: Path, split: str = "Ar_ITA", style: Style = "readme", clips_per_domain: int = 4, seed: int = 0
) -> Argo1mFiles:
    """One split with training, validation and test files and everything around them; sound in 2 of 3 videos."""
    chosen = split_named(split)
    rng = np.random.default_rng(seed)
    test = (SCENARIOS.index(chosen.scenario), LOCATIONS.index(chosen.location))
    others = [(s, p) for s in (3, 5, 7) for p in (1, 7, 10) if s != test[0] and p != test[1]]
    video_rows: dict[str, int] = {}

    def part(name: str, domains: Sequence[tuple[int, int]], videos: int) -> list[Clip]:
        clips = []
        for scenario, location in domains:
            for video in range(videos):
                uid = f"{name}-{scenario}-{location}-{video}"
                video_rows[uid] = int(rng.integers(12, 20))
                clips += [_clip(rng, uid, scenario, location, video_rows[uid]) for _ in range(clips_per_domain)]
        return clips

    files = Argo1mFiles(
        folder,
        chosen,
        style,
        {"train": part("train", others, 2), "val": part("val", others[:3], 1), "test": part("test", [test], 3)},
        video_rows,
    )
    for sub in (files.csv_folder, files.pt_folder, files.beton_folder):
        sub.mkdir(parents=True)
    for name, clips in files.parts.items():
        files.rewrite(name, clips)
        write_argo1m_beton(files.beton(name), clips, video_rows)
    for uid, rows in video_rows.items():
        write_pt(files.pt_folder, uid, rows)
    write_manifest(files.manifest, {uid: None if i % 3 == 2 else 61.5 for i, uid in enumerate(video_rows)})
    return files


def feature_rows(uid: str, rows: int) -> NDArray[np.float32]:
    """float32 [rows, 2304]: features of a video; row i is the same whatever `rows` is."""
    rng = np.random.default_rng(zlib.crc32(uid.encode()))
    return rng.random((rows, WIDTH), np.float32)


def write_pt(folder: Path, uid: str, rows: int) -> None:
    """`<uid>.pt` as Ego4D's extraction saves it."""
    torch.save(torch.from_numpy(feature_rows(uid, rows)), folder / f"{uid}.pt")


def write_csv(path: Path, clips: Sequence[Clip], style: Style) -> None:
    """The clips under one of the three styles of column names."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = [_cells(clip, style, number) for number, clip in enumerate(clips)]
        writer = csv.DictWriter(file, list(_cells(Clip("", 0, 0, 0, 0, 0, ""), style, 0)))
        writer.writeheader()
        writer.writerows(rows)


def write_manifest(path: Path, duration_s: dict[str, float | None]) -> None:
    """Ego4D's manifest.csv with the columns around the one that is read."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["video_uid", "canonical_num_frames", "canonical_audio_start_sec", "canonical_audio_duration_sec"]
        )
        for uid, seconds in duration_s.items():
            writer.writerow([uid, 1800, "" if seconds is None else 0.0, "" if seconds is None else seconds])


def write_argo1m_beton(path: Path, clips: Sequence[Clip], video_rows: dict[str, int], reverse: bool = False) -> None:
    """The five fields of ARGO1M's writer, in its order or reversed."""
    fields: list[tuple[str, Any, list[Any]]] = [
        ("uid", "json", [[clip.uid] for clip in clips]),
        ("feat", ("<f4", (3, WIDTH)), [_clip_features(clip, video_rows[clip.uid]) for clip in clips]),
        ("narration", "json", [[clip.narration] for clip in clips]),
        ("noun", "json", [[clip.noun] for clip in clips]),
        ("label", ("<i4", (3,)), [np.array([c.label, c.scenario, c.location], "<i4") for c in clips]),
    ]
    path.write_bytes(beton_bytes(fields[::-1] if reverse else fields))


def _clip_features(clip: Clip, rows: int) -> NDArray[np.float32]:
    """What the released code samples: rint(linspace), clipped."""
    taken = [min(max(int(np.rint(row)), 0), rows - 1) for row in np.linspace(clip.start, clip.end, 3)]
    return feature_rows(clip.uid, rows)[taken]


def _clip(rng: np.random.Generator, uid: str, scenario: int, location: int, rows: int) -> Clip:
    label, start = int(rng.integers(len(VERBS))), int(rng.integers(rows - 4))
    return Clip(
        uid,
        label,
        scenario,
        location,
        start,
        start + int(rng.integers(4)),
        narration=f"#C C {VERBS[label]}s the cup, {rng.integers(100)} times",
        audio_narration=f"A {VERBS[label]} is heard",
        consistency=round(float(rng.random()), 2),
    )


def _cells(clip: Clip, style: Style, number: int) -> dict[str, Any]:
    rows = {"action_start_feature_idx": clip.start, "action_end_feature_idx": clip.end}
    times = {"timestamp": round(clip.timeframe / 30, 3), "timeframe": clip.timeframe}
    ours = {"audio_narration": clip.audio_narration, "consistency": clip.consistency}
    if style == "readme":
        domain = {"scenario_idx": clip.scenario, "location_idx": clip.location, "label": clip.label}
        return {"uid": clip.uid, **domain, **times, "narration": clip.narration, **rows, **ours}
    if style == "code":
        domain = {"label_idx": clip.label, "scenario_idx": clip.scenario, "location_idx": clip.location}
        return {"": number, "uid": clip.uid, "narration": clip.narration, "noun": clip.noun, **rows, **domain}
    text = {"label": VERBS[clip.label], "narration": clip.narration}
    codes = {"source_idx": clip.location, "scenario_idx": clip.scenario, "scenario_idx_multi": f"[{clip.scenario}]"}
    names = {"verb": f"{VERBS[clip.label]}s", "noun": clip.noun}
    return {
        "uid": clip.uid,
        "device": "GoPro",
        **text,
        **rows,
        **codes,
        **names,
        **times,
        "label_idx": float(clip.label),
    }


def _with_first(files: Argo1mFiles, part: str, **changes: Any) -> None:
    clips = files.parts[part]
    files.rewrite(part, [replace(clips[0], **changes), *clips[1:]])


def _drop_column(files: Argo1mFiles) -> None:
    path = files.csv("train")
    path.write_text(path.read_text().replace("action_start_feature_idx", "begin"))


def _leak_domain(files: Argo1mFiles) -> None:
    files.rewrite(
        "train", [*files.parts["train"], replace(files.parts["train"][0], location=files.parts["test"][0].location)]
    )


def _empty(files: Argo1mFiles) -> None:
    files.rewrite("test", [])


def _shift_rows(files: Argo1mFiles) -> None:
    path = files.csv("train")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["timestamp"] = str(float(row["timestamp"]) + 60)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _pt(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Argo1mFiles], None]:
    """Change the features of the first training video."""

    def plant(files: Argo1mFiles) -> None:
        path = files.pt_folder / f"{files.parts['train'][0].uid}.pt"
        torch.save(change(torch.load(path, weights_only=True)), path)

    return plant


def _silent_manifest(files: Argo1mFiles) -> None:
    write_manifest(files.manifest, dict.fromkeys(files.video_rows))


FAULTS: dict[str, tuple[str, Callable[[Argo1mFiles], None]]] = {
    "no column": ("csv", _drop_column),
    "label 60": ("range", lambda files: _with_first(files, "train", label=60)),
    "scenario -1": ("range", lambda files: _with_first(files, "train", scenario=-1)),
    "location 13": ("range", lambda files: _with_first(files, "val", location=13)),
    "rating 85": ("range", lambda files: _with_first(files, "train", consistency=85.0)),
    "uid is a path": ("range", lambda files: _with_first(files, "train", uid="../secret")),
    "empty split": ("csv", _empty),
    "no test file": ("missing-part", lambda files: files.csv("test").unlink()),
    "domains overlap": ("overlap", _leak_domain),
    "times a minute off": ("times", _shift_rows),
    "missing features": ("missing-features", lambda files: _first_pt(files).unlink()),
    "features of another model": ("features", _pt(lambda features: features[:, :1536].clone())),
    "features are no tensor": ("features", lambda files: torch.save({"a": 1}, _first_pt(files))),
    "features cut short": (
        "features",
        lambda files: _first_pt(files).write_bytes(_first_pt(files).read_bytes()[:5000]),
    ),
    "NaN in features": ("nan", _pt(lambda features: features * float("nan"))),
    "no sound at all": ("audio", _silent_manifest),
}
"""Name -> (code of the finding, planter); all are errors."""


def _first_pt(files: Argo1mFiles) -> Path:
    return files.pt_folder / f"{files.parts['train'][0].uid}.pt"
