"""Every sample and every picture comes back to its place, wherever the gaps lie."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.contract import AudioBlock, Frame, WindowSpec
from edge.recording.clip_writer import LOSSLESS, SHORTEST_GAP_SAMPLES, ClipWriter
from edge.sources.replay import ReplaySource

SPEC = WindowSpec(frame_size_px=16)
TICKS = 90
AXIS = TICKS * SPEC.audio_rate_hz // SPEC.frame_rate_hz


def written(path: Path, ticks: list[int], blocks: list[AudioBlock], start_tick: int) -> dict[int, np.ndarray]:
    rng = np.random.default_rng(1)
    images = {tick: rng.integers(0, 256, (16, 16, 3), np.uint8) for tick in ticks}
    writer = ClipWriter(path, SPEC, start_tick, LOSSLESS, exact_sound=True)
    for tick, image in images.items():
        writer.frame(tick, image)
    for block in blocks:
        writer.sound(block)
    writer.close()
    return images


def played(path: Path) -> tuple[dict[int, np.ndarray], np.ndarray, np.ndarray]:
    source, images = ReplaySource(path, SPEC), {}
    samples, heard = np.zeros(2 * AXIS, np.float32), np.zeros(2 * AXIS, bool)
    source.open()
    while (event := source.read(1.0)) is not None:
        if isinstance(event, Frame):
            images[event.tick] = event.image
        elif isinstance(event, AudioBlock):
            place = slice(event.start_sample, event.start_sample + len(event.samples))
            samples[place], heard[place] = event.samples, event.heard
    source.close()
    return images, samples, heard


@settings(max_examples=40, deadline=None)
@given(
    gaps=st.lists(st.tuples(st.integers(0, 6000), st.integers(1, 4000)), min_size=1, max_size=12),
    start=st.sampled_from((0, 3, 48, 999)),
)
def test_samples_come_back_to_their_place(gaps: list[tuple[int, int]], start: int) -> None:
    """gaps: before each run of sound the samples that were not heard, and its length."""
    base, at, blocks = start * SPEC.audio_rate_hz // SPEC.frame_rate_hz, 0, []
    samples, heard = np.zeros(2 * AXIS, np.float32), np.zeros(2 * AXIS, bool)
    rng = np.random.default_rng(2)
    for gap, length in gaps:
        at += gap
        length = min(length, AXIS - at)
        if length <= 0:
            break
        samples[at : at + length] = rng.uniform(-1, 1, length)
        heard[at : at + length] = True
        blocks.append(AudioBlock(base + at, samples[at : at + length]))
        at += length
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mkv"
        written(path, list(range(start, start + TICKS)), blocks, start)
        _, samples_back, heard_back = played(path)
    np.testing.assert_array_equal(samples_back[heard], samples[heard])
    assert not samples_back[~heard].any()
    assert heard_back[heard].all()
    # A gap is told from silence when it is longer than what containers round away.
    edges = np.flatnonzero(np.diff(np.concatenate([[1], heard[:AXIS], [1]])))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        if last - first >= SHORTEST_GAP_SAMPLES and last < at:
            assert heard_back[first:last].mean() < 16 / SHORTEST_GAP_SAMPLES


@settings(max_examples=25, deadline=None)
@given(missing=st.sets(st.integers(1, TICKS - 1)), start=st.sampled_from((0, 48, 3000)))
def test_pictures_come_back_to_their_tick(missing: set[int], start: int) -> None:
    ticks = [start + tick for tick in range(TICKS) if tick not in missing]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mkv"
        images = written(path, ticks, [], start)
        back, _, _ = played(path)
    shown = None
    for tick in range(ticks[-1] - start + 1):
        shown = images.get(start + tick, shown)
        np.testing.assert_array_equal(back[tick], shown)


def test_sound_before_the_start_and_twice_is_cut(tmp_path: Path) -> None:
    sound = np.linspace(-1, 1, 3200, dtype=np.float32)
    blocks = [AudioBlock(1600 - 800, sound[:1600]), AudioBlock(1600 + 400, sound[1200:2800])]
    written(tmp_path / "clip.mkv", list(range(3, 33)), blocks, 3)
    _, samples, heard = played(tmp_path / "clip.mkv")
    np.testing.assert_array_equal(samples[:2000], sound[800:2800])
    assert heard.sum() == 2000


def test_the_writer_says_what_the_disk_says(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        ClipWriter(tmp_path / "no" / "clip.mkv", SPEC, 0, LOSSLESS, exact_sound=True)
