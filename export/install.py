"""Puts a finished bundle and its demo clip where the wheel ships them: edge/assets."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

from edge.bundle import KNOWN_FILES, MANIFEST, SHIPPED
from edge.demo import DEMO
from trainer.build_backbones import SPLIT_WORLD
from trainer.data.world.domains import SPLITS
from trainer.data.world_csv import read_videos_csv


def install(bundle: Path, world: Path, split: str) -> Path:
    """Copy the bundle, and the first video of the split's held-out domain with its annotation, into edge/assets.

    Returns:
        The demo clip.
    """
    _emptied(SHIPPED)
    for name in (*KNOWN_FILES, MANIFEST):
        if (bundle / name).is_file():
            shutil.copyfile(bundle / name, SHIPPED / name)
    folder = world / SPLIT_WORLD
    video = next(v for v in read_videos_csv(folder / "videos.csv") if v.domain == SPLITS[split])
    _emptied(DEMO)
    clip = DEMO / Path(video.path).name
    shutil.copyfile(folder / video.path, clip)
    with (folder / "annotations.csv").open(newline="", encoding="utf-8") as source:
        reader = csv.DictReader(source)
        rows = [{**row, "video": clip.name} for row in reader if Path(row["video"]).name == clip.name]
        columns = list(reader.fieldnames or ())
    with (DEMO / "annotations.csv").open("w", newline="", encoding="utf-8") as target:
        writer = csv.DictWriter(target, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return clip


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
