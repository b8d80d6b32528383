"""Features of recorded clips: every row of 32 frames through SlowFast, its sound through BEATs, into a feature store.

VIDEOS are folders, files, or CSV files with a column `video`. A killed run goes on where it stopped when the same
command is given again; a video that cannot be read is listed at the end and does not stop the others.

The backbones are published checkpoints (see 'egoact weights'), or the small ones of the built-in bundle. By default
frames are prepared as the device prepares them; --pixels float does it as Ego4D's own extractor does. With
--import-ego4d, Ego4D's feature files are read instead, and VIDEOS give the sound (or nothing, with --audio none).

Of stereo videos, two views side by side, Ego4D takes the left one: --stereo ego4d.json does so for the videos that
this file (Ego4D's metadata) calls stereo, --stereo all for every video. Without it, no video is taken for stereo.

With several GPUs, --workers or --ray-address the videos are shared out on Ray, one worker a GPU.

example:
  egoact features clips/ --out features --video small --audio small
  egoact features clips.csv --out features --scores --audio beats_audioset
  egoact features v2/full_scale --out slowfast --format ego4d --pixels float --stereo ego4d.json --ray-address auto
  egoact features v2/full_scale --import-ego4d v2/slowfast8x8_r101_k400 --out features
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from edge.bundle import SHIPPED
from edge.contract import WindowSpec
from edge.errors import EgoactError, UsageError
from edge.text import printable
from edge.whole_file import why
from trainer.features.ego4d import Ego4dFiles, Ego4dFolder, ego4d_tasks
from trainer.features.extractor import Extractor
from trainer.features.progress import Progress
from trainer.features.ray_pool import RayPool
from trainer.features.recipe import AUDIO_BACKBONES, NONE, VIDEO_BACKBONES, Recipe, audio_of
from trainer.features.run import Output, StoreOutput, extract_all
from trainer.features.stereo import stereo_videos
from trainer.features.tasks import Pool, Task, find_tasks


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    add = parser.add_argument
    add("videos", nargs="*", type=Path, metavar="VIDEOS", help="folders, CSV files or video files")
    add("--out", type=Path, required=True, metavar="DIR", help="the feature store (or folder of .pt files)")
    add("--video", choices=VIDEO_BACKBONES, default=VIDEO_BACKBONES[0], help="default: slowfast8x8_r101")
    add("--audio", choices=AUDIO_BACKBONES, help="default: beats; none with --format ego4d")
    add("--video-weights", type=Path, metavar="FILE", help="this checkpoint, not the one in the folder of weights")
    add("--audio-weights", type=Path, metavar="FILE", help="likewise")
    add("--bundle", type=Path, default=SHIPPED, metavar="DIR", help="where 'small' comes from (default: built in)")
    add("--pixels", choices=("uint8", "float"), default="uint8", help="as the device does (default), or as Ego4D does")
    add("--stereo", metavar="all|FILE", help="take the left view of all videos, or of those that FILE calls stereo")
    add("--scores", action="store_true", help="also the scores of Kinetics-400 and AudioSet, from the checkpoints")
    add("--format", choices=("store", "ego4d"), default="store", help="ego4d writes UID.pt, float32 [N, 2304]")
    add("--import-ego4d", type=Path, metavar="DIR", help="read Ego4D's feature files of this folder into the store")
    add("--workers", type=int, metavar="N", help="processes (default: the number of GPUs, else 1)")
    add("--threads", type=int, metavar="N", help="processor threads of each (default: all cores, divided)")
    add("--ray-address", metavar="ADDRESS", help="of a Ray cluster: auto, HOST:PORT or ray://HOST:PORT")
    add("--engine", choices=("auto", "torch", "openvino"), default="auto", help="default: openvino without a GPU")
    add(
        "--batch-rows", type=int, default=8, metavar="N", help="rows that go through the networks together (default: 8)"
    )


def run(args: argparse.Namespace) -> int:
    """Returns 0, or 1 when a video failed.

    Raises:
        EgoactError: wrong use, missing weights, a store made with something else, or a full disk.
    """
    _check(args)
    tasks = ego4d_tasks(args.import_ego4d) if args.import_ego4d else find_tasks(args.videos)
    try:
        with _alone(args.out), _pool(args, tasks) as (pool, progress):
            failed = extract_all(tasks, pool, _output(args, pool, tasks), progress)
    except OSError as error:
        raise EgoactError(
            f"{args.out}: cannot be written ({why(error)}); make room and give the command again: it goes on"
        ) from error
    for outcome in failed:
        print(f"egoact features: {printable(outcome.problem)}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(tasks)} videos failed and are named above; the others are in {args.out}")
    return 1 if failed else 0


def _check(args: argparse.Namespace) -> None:
    if not args.videos and not args.import_ego4d:
        raise UsageError("name videos: folders, CSV files or video files")
    for option, value in (("--workers", args.workers), ("--threads", args.threads), ("--batch-rows", args.batch_rows)):
        if value is not None and value < 1:
            raise UsageError(f"{option} {value}: must be at least 1")
    if args.audio is None:
        without = args.format == "ego4d" or (args.import_ego4d and not args.videos)
        args.audio = NONE if without else "beats"
    if args.format == "ego4d":
        if args.audio != NONE or args.scores:
            raise UsageError("--format ego4d holds SlowFast features only: leave out --audio and --scores")
        if args.import_ego4d:
            raise UsageError("--import-ego4d reads those files; they need a store to go to: leave out --format")
    if args.import_ego4d and args.stereo:
        raise UsageError("--import-ego4d takes only the sound from videos: leave out --stereo")
    if args.import_ego4d and (args.scores or args.workers or args.ray_address):
        raise UsageError("--import-ego4d reads files in this process: leave out --scores, --workers and --ray-address")


@contextlib.contextmanager
def _pool(args: argparse.Namespace, tasks: list[Task]) -> Iterator[tuple[Pool, Progress]]:
    recipe = Recipe(
        video=args.video,
        audio=args.audio,
        video_weights=args.video_weights and args.video_weights.absolute(),
        audio_weights=args.audio_weights and args.audio_weights.absolute(),
        bundle=args.bundle.absolute(),
        pixels=args.pixels,
        scores=args.scores,
        stereo=_stereo(args.stereo, tasks),
        batch_rows=args.batch_rows,
        engine=args.engine,
    )
    progress = Progress(sys.stderr)
    if args.import_ego4d:
        spec = WindowSpec()
        audio, made_with = audio_of(recipe, spec, "cpu", args.threads)
        videos = {task.path.stem: task.path for task in find_tasks(args.videos)} if args.videos else {}
        yield Ego4dFiles(spec, audio, made_with, videos), progress
    elif args.ray_address or (args.workers or _gpus()) > 1:
        pool = RayPool(recipe, args.workers, args.ray_address, args.threads)
        try:
            yield pool, progress
        finally:
            pool.close()
    else:
        yield Extractor(recipe, "auto", args.threads, progress.rows), progress


def _stereo(which: str | None, tasks: list[Task]) -> frozenset[str] | Literal["all"] | None:
    if which is None or which == "all":
        return which  # type: ignore[return-value]
    return stereo_videos(Path(which), tasks)


def _output(args: argparse.Namespace, pool: Pool, tasks: list[Task]) -> Output:
    description = pool.describe()
    if args.format == "store":
        return StoreOutput(args.out, description)
    stems: dict[str, Task] = {}
    for task in tasks:
        if stems.setdefault(task.path.stem, task) is not task:
            raise UsageError(f"{stems[task.path.stem].path} and {task.path} would both become {task.path.stem}.pt")
    return Ego4dFolder(args.out, description.made_with)


def _gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 1


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the folder, so that two runs never append to one store."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError(f"{folder}: another command is writing there; wait for it, or give another folder") from None
    finally:
        os.close(handle)
