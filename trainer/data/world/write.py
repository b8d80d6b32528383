"""Renders plans to MP4 files (H.264 and AAC) and a whole world to a folder."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path

import av
import cv2
import numpy as np

from edge.live.lifeline import signal_at_parents_death
from trainer.data.world.domains import DOMAINS, Domain
from trainer.data.world.mix import render_sound
from trainer.data.world.scene import HEIGHT_PX, WIDTH_PX, Scene
from trainer.data.world.script import Plan, make_plan
from trainer.data.world.tables import (
    ANNOTATION_COLUMNS,
    SOUND_COLUMNS,
    VIDEO_COLUMNS,
    annotation_rows,
    sound_rows,
    video_path,
    video_row,
    write_csv,
)
from trainer.data.world.track import FPS
from trainer.data.world.waveform import RATE_HZ

# Without mbtree: x264's AVX-512 version of it gives other bytes from run to run, even with one thread.
_VIDEO_OPTIONS = {"preset": "veryfast", "crf": "24", "threads": "1", "g": "60", "x264-params": "mbtree=0"}
_AUDIO_BITS_PER_S = 64_000


def render_video(plan: Plan, path: Path) -> None:
    """Draw, synthesise and encode `plan` to `path` (MP4). The file appears only when it is complete."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_over in path.parent.glob(f".{path.name}.*.part"):
        left_over.unlink(missing_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _encode(plan, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _encode(plan: Plan, path: Path) -> None:
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = plan.digest()
        video = container.add_stream("libx264", rate=FPS, options=_VIDEO_OPTIONS)
        video.width, video.height, video.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        audio = container.add_stream("aac", rate=RATE_HZ, layout="mono", bit_rate=_AUDIO_BITS_PER_S)
        for index, rgb in enumerate(Scene(plan).frames()):
            planes = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)
            picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            picture.pts, picture.time_base = index, Fraction(1, FPS)
            container.mux(video.encode(picture))
        container.mux(video.encode())
        samples = render_sound(plan)
        for start in range(0, len(samples), 1024):
            block = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples[None, start : start + 1024]), format="fltp", layout="mono"
            )
            block.sample_rate, block.pts, block.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
            container.mux(audio.encode(block))
        container.mux(audio.encode())


def is_rendered(plan: Plan, path: Path) -> bool:
    """Whether `path` already holds exactly this plan."""
    if not path.is_file():
        return False
    try:
        with av.open(str(path)) as container:
            return container.metadata.get("comment") == plan.digest()
    except av.FFmpegError:
        return False


def _render_one(plan: Plan, out_dir: Path) -> tuple[str, float, bool]:
    # Two workers already fill two cores; threads inside OpenCV would only get in each other's way.
    cv2.setNumThreads(1)
    begin_s = time.perf_counter()
    path = out_dir / video_path(plan)
    skipped = is_rendered(plan, path)
    if not skipped:
        render_video(plan, path)
    return plan.name, time.perf_counter() - begin_s, skipped


def _end_with(parent: int) -> None:
    """A worker that waits for work would never see that the command was killed, and nobody is left to give it any."""
    signal_at_parents_death(signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before
        os._exit(1)


def write_world(
    out_dir: Path,
    *,
    seed: int,
    videos_per_domain: int = 1,
    duration_s: float = 60.0,
    domains: Sequence[Domain] | None = None,
    workers: int = 2,
) -> list[Plan]:
    """Render a world into `out_dir`: videos/NAME.mp4, annotations.csv, sounds.csv, videos.csv; returns the plans.

    Videos that are already there with the same plan are kept, so that an interrupted run goes on where it stopped.
    """
    out_dir = Path(out_dir)
    plans = [
        make_plan(seed, scenario, location, index, duration_s)
        for index in range(videos_per_domain)
        for scenario, location in (domains or DOMAINS)
    ]
    (out_dir / "videos").mkdir(parents=True, exist_ok=True)
    write_csv(out_dir / "annotations.csv", ANNOTATION_COLUMNS, [row for plan in plans for row in annotation_rows(plan)])
    write_csv(out_dir / "sounds.csv", SOUND_COLUMNS, [row for plan in plans for row in sound_rows(plan)])
    write_csv(out_dir / "videos.csv", VIDEO_COLUMNS, [video_row(plan) for plan in plans])
    if workers <= 1:
        _report((_render_one(plan, out_dir) for plan in plans), len(plans))
    else:
        # "spawn" keeps workers free of the parent's threads and is what every platform offers.
        spawn, ours = get_context("spawn"), (os.getpid(),)
        with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_end_with, initargs=ours) as pool:
            _report(pool.map(_render_one, plans, [out_dir] * len(plans)), len(plans))
    return plans


def _report(results: Iterable[tuple[str, float, bool]], total: int) -> None:
    for number, (name, seconds, skipped) in enumerate(results, 1):
        print(f"[{number}/{total}] {name}: {'kept' if skipped else f'{seconds:.1f} s'}", flush=True)
